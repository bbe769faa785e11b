import { type Panel, RESOURCE } from './panels.ts';

/** Where the numbers are kept. */
export type Source = 'prometheus' | 'azure';

const DATASOURCES = { prometheus: 'prometheus', azure: 'grafana-azure-monitor-datasource' } as const;
const COLUMNS = 2;
const WIDTH = 24 / COLUMNS;
const HEIGHT = 8;

/** A Grafana dashboard (schema 39, read by Grafana 10 and later). */
export function grafanaDashboard(panels: readonly Panel[], source: Source): unknown {
  const datasource = { type: DATASOURCES[source], uid: '$datasource' };
  return {
    uid: `hubscore-${source}`,
    title: 'hubscore',
    tags: ['hubscore'],
    schemaVersion: 39,
    editable: true,
    refresh: '1m',
    time: { from: 'now-1h', to: 'now' },
    templating: {
      list: [
        { name: 'datasource', label: 'Data source', type: 'datasource', query: DATASOURCES[source], refresh: 1 },
        ...(source === 'prometheus' ? [variable('namespace', ''), variable('job', '{namespace="$namespace"}')] : []),
      ],
    },
    panels: panels.map((panel, i) => ({
      id: i + 1,
      type: 'timeseries',
      title: panel.title,
      description: panel.help,
      datasource,
      gridPos: { x: (i % COLUMNS) * WIDTH, y: Math.floor(i / COLUMNS) * HEIGHT, w: WIDTH, h: HEIGHT },
      fieldConfig: { defaults: { unit: panel.unit, min: 0 }, overrides: [] },
      options: { legend: { displayMode: 'list', placement: 'bottom' }, tooltip: { mode: 'multi', sort: 'desc' } },
      targets: [{ refId: 'A', datasource, ...target(panel, source) }],
    })),
  };
}

/** One installation at a time: two added up say nothing of either, and every exporter has a resident memory. */
const INSTALLATION = 'namespace="$namespace",job="$job"';
/** A metric's name, and the brace where labels follow. */
const SELECTOR = /\b((?:inference|hubscore|process)_\w+)(?:\{|(?!\w))/g;

function variable(name: string, among: string): object {
  const query = `label_values(hubscore_event_loop_delay_seconds${among}, ${name})`;
  const datasource = { type: DATASOURCES.prometheus, uid: '$datasource' };
  return { name, type: 'query', datasource, query: { query, refId: name }, refresh: 2, sort: 1 };
}

function scoped(promql: string): string {
  return promql.replace(SELECTOR, (selector, name) => `${name}{${INSTALLATION}${selector.endsWith('{') ? ',' : '}'}`);
}

function target({ promql, legend, kql }: Panel, source: Source): object {
  if (source === 'prometheus') {
    return { expr: scoped(promql).replaceAll('INTERVAL', '$__rate_interval'), legendFormat: legend, range: true };
  }
  return {
    queryType: 'Azure Log Analytics',
    azureLogAnalytics: {
      query: `${kql.replaceAll('GRAIN', '$__interval')} | order by timestamp asc`,
      resources: [RESOURCE],
      resultFormat: 'time_series',
      dashboardTime: true,
      timeColumn: 'timestamp',
    },
  };
}
