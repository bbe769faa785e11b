/** The curves of a `hubscore load --json` report as one picture for the documentation: `node scripts/load-picture.ts report.json picture.svg`. */
import { readFileSync, writeFileSync } from 'node:fs';
import { CHART, CHART_STYLE, drawChart } from '../src/cli/load/chart.ts';
import type { LoadReport } from '../src/cli/load/report.ts';
import { chartsOf } from '../src/cli/load/report-charts.ts';

const [report, picture] = process.argv.slice(2);
if (!report || !picture) throw new Error('usage: node scripts/load-picture.ts report.json picture.svg');
const charts = chartsOf(JSON.parse(readFileSync(report, 'utf8')) as LoadReport);
const [width, height] = [2 * CHART.width + 20, 2 * CHART.height + 20];
const placed = charts.map((chart, i) => {
  const [x, y] = [(i % 2) * (CHART.width + 10) + 5, Math.floor(i / 2) * (CHART.height + 10) + 5];
  return `<g transform="translate(${x} ${y})">${drawChart(chart)}</g>`;
});
writeFileSync(
  picture,
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}"><style>${CHART_STYLE}</style>
<rect width="100%" height="100%" rx="10" fill="var(--card)"/>
${placed.join('\n')}
</svg>
`,
);
