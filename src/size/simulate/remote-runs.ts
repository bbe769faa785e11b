import type { Costs } from '../costs.ts';

/** A remote model as one instance calls it: so many runs at once; what comes while all are under way waits, and shares the next one. */
export interface RemoteRuns {
  /** Calls back once so many rows are answered. */
  ask(rows: number, done: () => void): void;
}

interface Slice {
  rows: number;
  readonly done: () => void;
}

export function createRemoteRuns(
  { waitMs, runs, runRows }: Costs,
  after: (ms: number, run: () => void) => void,
): RemoteRuns {
  let queue: readonly Slice[] = [];
  let running = 0;

  function dispatch(): void {
    while (running < runs && queue.length > 0) {
      let rows = 0;
      // The first that waits, and what fits beside it.
      const slices = queue.filter((slice, i) => {
        const fits = i === 0 || rows + slice.rows <= runRows;
        if (fits) rows += slice.rows;
        return fits;
      });
      queue = queue.filter(slice => !slices.includes(slice));
      running++;
      after(waitMs, () => {
        running--;
        for (const { done } of slices) done();
        dispatch();
      });
    }
  }

  return {
    ask(rows, done) {
      let left = Math.ceil(rows / runRows);
      const oneDone = () => {
        left--;
        if (left === 0) done();
      };
      const slices = Array.from({ length: left }, (_, i) => ({
        rows: Math.min(runRows, rows - i * runRows),
        done: oneDone,
      }));
      queue = [...queue, ...slices];
      dispatch();
    },
  };
}
