import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { telemetryPage } from '../../../scripts/metrics-table.ts';
import { METRICS } from '../../../src/telemetry/metrics.ts';

const page = readFileSync(new URL('../../../docs/telemetry.md', import.meta.url), 'utf8');

it('docs/telemetry.md lists every metric as the code has it', () => {
  expect(page, 'run: node scripts/metrics-table.ts').toBe(telemetryPage());
  for (const name of Object.keys(METRICS)) expect(page).toContain(`| \`${name}\` |`);
});

it('names no metric that is not there', () => {
  const named = page.match(/\b(inference|hubscore)_[a-z_]+/g) ?? [];
  const series = named.map(name => name.replace(/_(bucket|sum|count)$/, ''));
  expect(series.filter(name => !(name in METRICS))).toEqual([]);
});
