import type { TableDrift } from '../../core/table-scorer.ts';
import { driftLines, type Report } from '../report.ts';
import type { Job } from './job.ts';

/** A report as a page of its own: no script, nothing from elsewhere, light and dark. */
export function reportPage(job: Pick<Job, 'id' | 'output' | 'timestamp'>, report: Report): string {
  const { rows, score, classes, rejects, features } = report;
  const number = (value: number | null) =>
    value === null ? '–' : Number(value.toPrecision(6)).toLocaleString('en-US');
  const facts = [
    ['model', `${report.model} ${report.model_version}`],
    ['output', job.output],
    ['submitted', job.timestamp],
    ['rows', `${number(rows.read)} read, ${number(rows.scored)} scored, ${number(rows.rejected)} rejected`],
    ['speed', `${number(report.rows_per_second)} rows a second`],
    [
      'score',
      `mean ${number(score.mean)}, std ${number(score.std)}, min ${number(score.min)}, max ${number(score.max)}`,
    ],
  ];
  const inputs = features.map(feature => [
    ...[feature.name, number(feature.mean), number(feature.std), number(feature.min), number(feature.max)],
    ...[feature.missing, feature.not_numeric, feature.out_of_range, feature.unknown_category].map(number),
  ]);
  const heads = 'feature mean std min max missing not&nbsp;numeric out&nbsp;of&nbsp;range unknown'.split(' ');
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${text(job.id)}</title>
<style>
  :root { color-scheme: light dark }
  body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
  table { border-collapse: collapse; margin: 0 0 1.5rem; font-variant-numeric: tabular-nums }
  th, td { text-align: left; padding: .15rem .9rem .15rem 0 } td + td, th + th { text-align: right }
  table.facts td + td { text-align: left } .bar { min-width: 18rem; text-align: left !important }
  .bar i { display: inline-block; height: .8em; background: #3b7dd8; min-width: 1px }
</style>
<h1>${text(job.id)}</h1>
<table class="facts">${facts.map(cells => row(cells.map(cell => text(String(cell))))).join('')}</table>
${bars(
  'Scores',
  score.histogram.map(({ range, ...of }) => ({ name: range, ...of })),
)}
${bars(
  'Classes',
  classes.map(({ class: name, ...of }) => ({ name, ...of })),
)}
${bars(
  'Rejected',
  Object.entries(rejects).map(([name, count]) => ({
    name,
    rows: count,
    share: rows.rejected === 0 ? 0 : count / rows.rejected,
  })),
)}
${drifted(report.drift)}<h2>Input</h2>
<table>${row(heads, 'th')}${inputs.map(cells => row(cells.map(cell => text(String(cell))))).join('')}</table>
</html>
`;
}

function drifted(drift: TableDrift | null): string {
  if (!drift) return '';
  const lines = driftLines(drift).map(line => `<li>${text(line.replace(/^drift +/, ''))}</li>`);
  return `<h2>Drift</h2>\n<ul>${lines.join('')}</ul>\n`;
}

interface Bar {
  readonly name: string;
  readonly rows: number;
  readonly share: number;
}

function bars(title: string, of: readonly Bar[]): string {
  if (of.length === 0) return '';
  const lines = of.map(({ name, rows, share }) => {
    const percent = (100 * share).toFixed(1);
    const bar = `<i style="width:${percent}%"></i>`;
    return `<tr><td>${text(name)}</td><td>${rows.toLocaleString('en-US')}</td><td>${percent} %</td><td class="bar">${bar}</td></tr>`;
  });
  return `<h2>${title}</h2>\n<table>${lines.join('')}</table>`;
}

const row = (cells: readonly string[], tag = 'td') =>
  `<tr>${cells.map(cell => `<${tag}>${cell}</${tag}>`).join('')}</tr>`;

/** Names of classes and features are whatever a model says. */
const text = (raw: string) => raw.replace(/[&<>"']/g, char => `&#${char.charCodeAt(0)};`);
