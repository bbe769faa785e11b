import { type Panel, RESOURCE } from './panels.ts';

const NUMBER = { unit: 0, options: { style: 'decimal', maximumFractionDigits: 3 } };
const FORMATS = {
  short: NUMBER,
  reqps: NUMBER,
  s: { ...NUMBER, unit: 24 },
  bytes: { ...NUMBER, unit: 2 },
  percentunit: { unit: 0, options: { style: 'percent', maximumFractionDigits: 1 } },
} as const;
const TIME_RANGE = 4;
const HOUR_MS = 3_600_000;
const RANGES_MS = [HOUR_MS, 4 * HOUR_MS, 12 * HOUR_MS, 24 * HOUR_MS, 3 * 24 * HOUR_MS, 7 * 24 * HOUR_MS];

/** An Azure workbook over Application Insights, as infra/workbook.bicep deploys it. */
export function workbook(panels: readonly Panel[]): unknown {
  return {
    version: 'Notebook/1.0',
    items: [
      {
        type: 9,
        name: 'time',
        content: {
          version: 'KqlParameterItem/1.0',
          style: 'pills',
          queryType: 0,
          resourceType: 'microsoft.insights/components',
          parameters: [
            {
              id: '6f1c5f0e-6d0a-4c55-9d0e-1b1a5a1c7a01',
              version: 'KqlParameterItem/1.0',
              name: 'TimeRange',
              label: 'Time',
              type: TIME_RANGE,
              isRequired: true,
              value: { durationMs: HOUR_MS },
              typeSettings: { selectableValues: RANGES_MS.map(durationMs => ({ durationMs })), allowCustom: true },
            },
          ],
        },
      },
      ...panels.map(({ title, help, unit, kql }) => ({
        type: 3,
        name: title,
        customWidth: '50',
        content: {
          version: 'KqlItem/1.0',
          query: kql.replaceAll('GRAIN', '{TimeRange:grain}'),
          size: 0,
          title,
          noDataMessage: `No data. ${help}`,
          timeContextFromParameter: 'TimeRange',
          queryType: 0,
          resourceType: 'microsoft.insights/components',
          crossComponentResources: [RESOURCE],
          visualization: 'timechart',
          chartSettings: { ySettings: { numberFormatSettings: FORMATS[unit] } },
        },
      })),
    ],
    fallbackResourceIds: [RESOURCE],
    $schema: 'https://github.com/Microsoft/Application-Insights-Workbooks/blob/master/schema/workbook.json',
  };
}
