import type { Fault, PartitionVerdict } from '../ledger/verify.ts';
import type { Paint } from './terminal.ts';

const NUMBERS = ['events', 'requests', 'results', 'deadLetters', 'skipped'] as const;
const FAULTS = ['missing', 'repeated', 'outOfOrder'] as const;
const HEADS = ['events', 'requests', 'results', 'dead letters', 'skipped', 'missing', 'repeated', 'out of order'];

/** Every request has exactly one ending, and they stand in order. */
export function isSound(verdict: PartitionVerdict): boolean {
  return FAULTS.every(fault => verdict[fault].count === 0);
}

/** A table by partition, the ids of what is wrong, and the verdict in a sentence. */
export function showVerdict(verdicts: readonly PartitionVerdict[], paint: Paint): string[] {
  const cells = (verdict: PartitionVerdict) => [
    ...NUMBERS.map(name => verdict[name]),
    ...FAULTS.map(fault => verdict[fault].count),
  ];
  const rows = verdicts.map(verdict => ({ name: verdict.partition, cells: cells(verdict) }));
  const total = HEADS.map((_, column) => rows.reduce((sum, row) => sum + (row.cells[column] as number), 0));
  const line = (name: string, values: readonly number[]) =>
    name.padEnd(9) +
    values
      .map((value, column) => {
        const text = value.toLocaleString('en-US').padStart((HEADS[column] as string).length + 3);
        return column >= NUMBERS.length && value > 0 ? paint('red', text) : text;
      })
      .join('');
  const head = `${'partition'}${HEADS.map(name => `   ${name}`).join('')}`;
  return [
    paint('dim', head),
    ...rows.map(row => line(row.name, row.cells)),
    paint('bold', line('all', total)),
    '',
    ...FAULTS.flatMap((fault, i) =>
      listed(
        HEADS[NUMBERS.length + i] as string,
        verdicts.map(verdict => verdict[fault]),
      ),
    ),
    verdicts.every(isSound)
      ? paint('green', 'sound: every request has exactly one ending, in order')
      : paint('red', 'not sound'),
  ];
}

function listed(name: string, faults: readonly Fault[]): string[] {
  const count = faults.reduce((sum, fault) => sum + fault.count, 0);
  if (count === 0) return [];
  const ids = faults.flatMap(fault => fault.ids);
  const more = count > ids.length ? ` and ${(count - ids.length).toLocaleString('en-US')} more` : '';
  return [`${name}: ${ids.join(', ')}${more}`];
}
