import type { Fault, PartitionVerdict } from '../ledger/verify.ts';
import { printable } from './printable.ts';
import { layTable, type Table } from './table.ts';
import type { Paint } from './terminal.ts';

const NUMBERS = ['events', 'requests', 'results', 'deadLetters', 'skipped'] as const;
const FAULTS = ['missing', 'repeated', 'outOfOrder'] as const;
const HEADS = ['events', 'requests', 'results', 'dead letters', 'skipped', 'missing', 'repeated', 'out of order'];

/** Every request has exactly one ending, and they stand in order. */
export function isSound(verdict: PartitionVerdict): boolean {
  return FAULTS.every(fault => verdict[fault].count === 0);
}

/** Nothing is lost or out of order, and what stands twice is the same ending. */
export function isSoundButForRepeats(verdict: PartitionVerdict): boolean {
  return [verdict.missing, verdict.outOfOrder, verdict.otherwise].every(({ count }) => count === 0);
}

/** A table by partition, no wider than `width`, the ids of what is wrong, and the verdict in a sentence. */
export function showVerdict(verdicts: readonly PartitionVerdict[], paint: Paint, width: number): string[] {
  const counts = (verdict: PartitionVerdict) => [
    ...NUMBERS.map(name => verdict[name]),
    ...FAULTS.map(fault => verdict[fault].count),
  ];
  const rows = verdicts.map(verdict => ({ name: verdict.partition, counts: counts(verdict) }));
  const total = HEADS.map((_, column) => rows.reduce((sum, row) => sum + (row.counts[column] as number), 0));
  const all = [...rows, { name: 'all', counts: total }];
  const table: Table = {
    heads: ['partition', ...HEADS],
    rows: all.map(row => [row.name, ...row.counts.map(count => count.toLocaleString('en-US'))]),
    width,
    paintCell: (text, row, column) => {
      const isWrong = column > NUMBERS.length && (all[row]?.counts[column - 1] ?? 0) > 0;
      const shown = isWrong ? paint('red', text) : text;
      return row === all.length - 1 ? paint('bold', shown) : shown;
    },
  };
  return [
    ...layTable(table, paint),
    '',
    ...FAULTS.flatMap((fault, i) =>
      listed(
        HEADS[NUMBERS.length + i] as string,
        verdicts.map(verdict => verdict[fault]),
      ),
    ),
    ...listed(
      'both a result and a dead letter',
      verdicts.map(verdict => verdict.otherwise),
    ),
    sentence(verdicts, paint),
  ];
}

function sentence(verdicts: readonly PartitionVerdict[], paint: Paint): string {
  if (verdicts.every(isSound)) return paint('green', 'sound: every request has exactly one ending, in order');
  if (!verdicts.every(isSoundButForRepeats)) return paint('red', 'not sound');
  return paint(
    'yellow',
    'nothing is lost or out of order; some endings stand twice under their result_id: readers keep the first (docs/guarantees.md, Repeats)',
  );
}

function listed(name: string, faults: readonly Fault[]): string[] {
  const count = faults.reduce((sum, fault) => sum + fault.count, 0);
  if (count === 0) return [];
  const ids = faults.flatMap(fault => fault.ids);
  const more = count > ids.length ? ` and ${(count - ids.length).toLocaleString('en-US')} more` : '';
  return [printable(`${name}: ${ids.join(', ')}${more}`)];
}
