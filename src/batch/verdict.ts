import type { TableDrift } from '../core/table-scorer.ts';
import { BatchRefusal } from './problems.ts';
import type { Reject } from './range.ts';
import { driftLines } from './report.ts';
import type { Statistics } from './statistics.ts';

/** Rejects that an error names. */
export const SHOWN_REJECTS = 10;

/**
 * Whether an output may be seen.
 * @param rejects the first ones, numbered in the whole input
 * @throws BatchRefusal that says which check failed
 */
export function judge({ rows }: Statistics, read: number, maxRejected: number, rejects: readonly Reject[]): void {
  if (read === 0) throw new BatchRefusal('the input has a header and no row');
  if (rows.scored + rows.rejected !== read)
    throw new BatchRefusal(
      `${read} rows were read, ${rows.scored} scored and ${rows.rejected} rejected: some are lost`,
    );
  if (rows.scored === 0) throw new BatchRefusal(`all of the ${read} rows are rejected${named(rejects)}`);
  const share = rows.rejected / read;
  if (share > maxRejected) {
    const percent = (value: number) => `${Number((100 * value).toPrecision(3))} %`;
    throw new BatchRefusal(
      `${rows.rejected} of ${read} rows are rejected (${percent(share)}), at most ${percent(maxRejected)} may be${named(rejects)}`,
    );
  }
}

/** @throws BatchRefusal that says which features are an alarm */
export function judgeDrift(drift: TableDrift | undefined): void {
  if (drift?.status !== 'alarm') return;
  const lines = driftLines(drift).map(line => `\n  ${line.replace(/^drift +/, '')}`);
  throw new BatchRefusal(`the input is not what the version was trained on:${lines.join('')}`);
}

/** The first rows can tell that none will pass, long before all are read. @throws BatchRefusal */
export function judgeFirst({ rows }: Statistics, rejects: readonly Reject[]): void {
  if (rows.scored === 0 && rows.rejected > 0)
    throw new BatchRefusal(`all of the first ${rows.rejected} rows are rejected${named(rejects)}`);
}

function named(rejects: readonly Reject[]): string {
  const lines = rejects.slice(0, SHOWN_REJECTS).map(({ row, code, message }) => `\n  row ${row}: ${code}: ${message}`);
  return lines.length === 0 ? '' : `:${lines.join('')}`;
}
