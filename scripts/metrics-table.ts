/** Writes the table of metrics into docs/telemetry.md. Run: node scripts/metrics-table.ts */
import { readFileSync, writeFileSync } from 'node:fs';
import { METRICS, type MetricDefinition } from '../src/telemetry/metrics.ts';

const PAGE = new URL('../docs/telemetry.md', import.meta.url);
const BLOCK = /(<!-- metrics -->\n)[\s\S]*?(<!-- \/metrics -->)/;

/** The page with its table as the code has it. */
export function telemetryPage(): string {
  return readFileSync(PAGE, 'utf8').replace(BLOCK, (_, start, end) => `${start}${metricsTable()}\n${end}`);
}

function metricsTable(): string {
  const rows = Object.entries<MetricDefinition>(METRICS).map(
    ([name, { kind, labels, unit, help }]) =>
      `| \`${name}\` | ${kind} | ${labels.map(label => `\`${label}\``).join(', ')} | ${unitInWords(unit)} | ${help} |`,
  );
  return ['| metric | kind | labels | unit | meaning |', '|---|---|---|---|---|', ...rows].join('\n');
}

function unitInWords(unit: string): string {
  const words: Readonly<Record<string, string>> = {
    s: 'seconds',
    By: 'bytes',
    '1': '',
    '{batch}': 'batches',
    '{entry}': 'entries',
    '{process}': 'processes',
  };
  return words[unit] ?? unit.replace(/^\{(.*)\}$/, '$1s');
}

if (import.meta.main) writeFileSync(PAGE, telemetryPage());
