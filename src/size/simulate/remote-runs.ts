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
  const queue: Slice[] = [];
  let running = 0;

  function dispatch(): void {
    while (running < runs && queue.length > 0) {
      const slices: Slice[] = [];
      for (let rows = 0; ; ) {
        const [next] = queue;
        if (next === undefined || (slices.length > 0 && rows + next.rows > runRows)) break;
        rows += next.rows;
        slices.push(next);
        queue.shift();
      }
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
      for (let rest = rows; rest > 0; rest -= runRows) queue.push({ rows: Math.min(rest, runRows), done: oneDone });
      dispatch();
    },
  };
}
