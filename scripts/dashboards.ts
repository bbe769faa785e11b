/** Writes the dashboards in infra/dashboards from one list of panels, so that all show the same: `node scripts/dashboards.ts`. A test holds them together. */
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { grafanaDashboard } from './dashboards/grafana.ts';
import { PANELS } from './dashboards/panels.ts';
import { workbook } from './dashboards/workbook.ts';

/** Content by file name. */
export function dashboards(): Readonly<Record<string, string>> {
  const text = (content: unknown) => `${JSON.stringify(content, null, 2)}\n`;
  return {
    'grafana-prometheus.json': text(grafanaDashboard(PANELS, 'prometheus')),
    'grafana-azure.json': text(grafanaDashboard(PANELS, 'azure')),
    'workbook.json': text(workbook(PANELS)),
  };
}

if (import.meta.main) {
  const folder = resolve(import.meta.dirname, '../infra/dashboards');
  for (const [name, content] of Object.entries(dashboards())) writeFileSync(join(folder, name), content);
}
