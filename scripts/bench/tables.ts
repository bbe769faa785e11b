import { short } from './bars.ts';
import { figure, type Result } from './results.ts';

/** What the real Functions host drained, rows a second, by rows an event; a throughput unit carries so many rows of ten short numbers. */
const REAL_PACKS = { 1: ['29,000', '500'], 10: ['139,000', '4,900'], 100: ['264,000', '6,500'] } as const;
const PACKED = 'diabetes 1.0.0 (logistic), ns a row';

/** What a row costs by how many share an event. */
export function packsTable(packs: Result, stream: Result): string {
  const microseconds = (name: string) => short(figure(packs, PACKED, 'nsPerEvent', name) / 1000);
  const row = (rows: keyof typeof REAL_PACKS, name: string, inFunction: string) => {
    const [real, unit] = REAL_PACKS[rows];
    return `| ${rows} | ${inFunction} | ${short(figure(stream, `${name}, rows/s`))} | ${real} | ${unit} |`;
  };
  const both = (rows: number) =>
    `${microseconds(`packs of ${rows}, lists`)} µs, ${microseconds(`packs of ${rows}, table`)} as a table of columns`;
  return `| rows an event | in the function, a row | drained by the local host, rows/s | by the real host, rows/s | a throughput unit carries, rows/s |
|---|---|---|---|---|
${row(1, 'single events', `${microseconds('single events')} µs`)}
${row(10, 'packs of 10', both(10))}
${row(100, 'packs of 100', both(100))}`;
}

/** What an event costs by how it is written. */
export function inputsTable(inputs: Result): string {
  const costs = figure<Readonly<Record<string, number>>>(
    inputs,
    'diabetes 1.0.0 (10 numbers), batch 256',
    'nsPerEvent',
  );
  const plain = costs['off the shape'] as number;
  const rows = Object.entries(costs).map(
    ([name, ns]) => `| ${name} | ${short(ns / 1000)} µs | ${(ns / plain).toFixed(2)} |`,
  );
  return `| an event | costs | of a request off the usual shape |
|---|---|---|
${rows.join('\n')}`;
}
