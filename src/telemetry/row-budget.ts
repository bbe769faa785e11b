import type { Clock } from '../core/log.ts';

/** What may be sent, since it is paid for by the row. */
export interface RowBudget {
  /** Takes so many rows, where so many are left. */
  take(rows: number): boolean;
}

/** So many rows a second on average, and up to `burst` at once after a quiet time: a few requests by hand are all seen. */
export function createRowBudget(rowsPerSecond: number, burst: number, clock: Clock): RowBudget {
  let left = rowsPerSecond > 0 ? burst : 0;
  let atMs = clock();
  return {
    take(rows) {
      const nowMs = clock();
      if (rowsPerSecond > 0) left = Math.min(burst, left + (Math.max(0, nowMs - atMs) / 1000) * rowsPerSecond);
      atMs = nowMs;
      if (rows > left) return false;
      left -= rows;
      return true;
    },
  };
}
