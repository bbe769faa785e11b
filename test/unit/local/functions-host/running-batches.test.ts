import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RunningBatches } from '../../../../src/local/functions-host/running-batches.ts';
import { temporaryFolder } from '../../../support/models.ts';

let folder: ReturnType<typeof temporaryFolder>;
let path: string;
beforeEach(() => {
  folder = temporaryFolder();
  path = join(folder.path, 'running');
  writeFileSync(path, '');
});
afterEach(() => folder.remove());

const batch = (first: number, last: number, retryCount = 0) => ({ first, last, retryCount });

/** A worker that ends without a word. */
function workerThat(works: (running: RunningBatches) => void): void {
  const running = new RunningBatches(path);
  works(running);
  running.close();
}

describe('the batches that a worker was at when it ended', () => {
  it('are known to the next one, until it is through with them', () => {
    workerThat(running => {
      running.begin('score 0', batch(5, 9));
      running.end('score 0');
      running.begin('score 0', batch(10, 19, 2));
      running.begin('score 1', batch(3, 3));
      running.end('score 1');
    });
    const next = new RunningBatches(path);
    expect(next.triedBefore('score 1', 3, 3)).toBeUndefined();
    expect(next.triedBefore('score 0', 5, 9)).toBeUndefined();
    expect(next.triedBefore('score 0', 8, 12)).toBe(2); // cut otherwise than before
    expect(next.triedBefore('score 0', 13, 25)).toBe(2);
    expect(next.triedBefore('score 0', 13, 25)).toBeUndefined();
    next.close();
  });

  it('are cut from what stands beside them', () => {
    workerThat(running => running.begin('score 0', batch(10, 12)));
    const next = new RunningBatches(path);
    const events = [8, 9, 10, 11, 12, 13].map(sequenceNumber => ({ sequenceNumber }));
    const numbers = next.partsOf('score 0', events).map(part => part.map(({ sequenceNumber }) => sequenceNumber));
    expect(numbers).toEqual([[8, 9], [10, 11, 12], [13]]);
    expect(next.partsOf('score 1', events)).toEqual([events]);
    next.close();
  });

  it('are forgotten by the one after, which has its own', () => {
    workerThat(running => running.begin('score 0', batch(1, 2)));
    workerThat(running => running.begin('score 3', batch(7, 7)));
    const third = new RunningBatches(path);
    expect(third.triedBefore('score 0', 1, 2)).toBeUndefined();
    expect(third.triedBefore('score 3', 7, 7)).toBe(0);
    third.close();
  });
});
