import { csvCell } from './cells.ts';
import type { Reject } from './range.ts';

export const REJECTS_HEADER = 'row,offset,code,message,raw\n';

/** Rejects as lines of CSV. */
export function rejectLines(rejects: readonly Reject[]): string {
  return rejects
    .map(({ row, offset, code, message, raw }) => `${row},${offset},${code},${csvCell(message)},${csvCell(raw)}\n`)
    .join('');
}
