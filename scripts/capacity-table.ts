/** Prints the table of docs/size.md between its marks from what `hubscore size` works out by its closed formulas: `npx --no node scripts/capacity-table.ts --write`. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { closedSetUps } from '../src/size/choose.ts';
import { REAL_HOST } from '../src/size/costs.ts';
import { moneyOf } from '../src/size/money.ts';
import { pricesWith } from '../src/size/prices.ts';
import type { SetUp } from '../src/size/set-up.ts';
import { sizesOf, type Workload } from '../src/size/workload.ts';

const PAGE = join(import.meta.dirname, '../docs/size.md');
const [BEGIN, END] = ['<!-- capacity: made by scripts/capacity-table.ts -->', '<!-- /capacity -->'];
/** Rows a second, and rows an event. */
const RATES = [1_000, 10_000, 100_000, 1_000_000];
const PACKS = [1, 100];
const COSTS = { ...REAL_HOST, checkpointEvery: 10 };

/** Rows of the table: for each rate and pack what each tier takes. */
export function capacityTable(): string {
  const heads = [
    'rows/s',
    'rows an event',
    'Standard',
    'a month',
    'Premium',
    'Dedicated',
    'instances',
    'partitions a hub',
  ];
  const rows = RATES.flatMap(rate =>
    PACKS.map(pack => {
      const workload: Workload = {
        rates: [rate / pack],
        stretchSeconds: 86_400,
        rows: pack,
        ...sizesOf(pack),
        readers: 1,
      };
      const question = { workload, costs: COSTS, objective: {}, prices: pricesWith({}), seed: 1 };
      const [standard, premium, dedicated] = (['standard', 'premium', 'dedicated'] as const).map(
        tier => closedSetUps(question, [tier])[0],
      );
      const month = standard && moneyOf(standard, workload, COSTS, question.prices).month;
      const all = [standard, premium, dedicated];
      return [
        rate.toLocaleString('en'),
        String(pack),
        ...[units(standard), month === undefined ? '–' : Math.round(month).toLocaleString('en')],
        ...[units(premium), units(dedicated)],
        span(all.map(setUp => setUp && setUp.namespaces * setUp.instances)),
        all.map(setUp => setUp?.partitions ?? '–').join(', '),
      ];
    }),
  );
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(heads), `|${'---|'.repeat(heads.length)}`, ...rows.map(line)].join('\n');
}

const units = (setUp: SetUp | undefined) =>
  setUp === undefined ? '–' : setUp.namespaces === 1 ? String(setUp.units) : `${setUp.namespaces} × ${setUp.units}`;

function span(counts: readonly (number | undefined)[]): string {
  const known = counts.filter(count => count !== undefined);
  const [least, most] = [Math.min(...known), Math.max(...known)];
  return least === most ? String(least) : `${least}–${most}`;
}

/** The page with the table as it is now. @throws Error where its marks are not there */
export function pageWithTable(page: string): string {
  const [before, rest] = page.split(BEGIN);
  const [, after] = rest?.split(END) ?? [];
  if (before === undefined || after === undefined) throw new Error(`docs/size.md has no ${BEGIN} … ${END}`);
  return `${before}${BEGIN}\n\n${capacityTable()}\n\n${END}${after}`;
}

if (import.meta.main) {
  const page = pageWithTable(readFileSync(PAGE, 'utf8'));
  if (process.argv.includes('--write')) writeFileSync(PAGE, page);
  else process.stdout.write(`${capacityTable()}\n`);
}
