import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createBlobs } from '../../src/azure/blobs.ts';
import { readCounts } from '../../src/sweep/read-counts.ts';
import { type AppStack, startAppStack } from '../support/app-stack.ts';
import { DEAD_LETTERS, RESULTS } from '../support/scoring.ts';
import { createRandom } from '../support/seeded-random.ts';

const SECONDLY = { SWEEP_SCHEDULE: '* * * * * *' };
const never = new AbortController().signal;
let stack: AppStack;

beforeAll(async () => {
  stack = await startAppStack();
});
afterAll(() => stack.stop());

it('counts every ending once, swept by two hosts of which one is killed again and again', async () => {
  const random = createRandom(Number(process.env.TEST_SEED));
  const blobs = createBlobs({ kind: 'connection-string', connectionString: stack.storage.connectionString }, 'monitor');
  const counted = async () => {
    const { groups, unsure } = await readCounts(blobs, [RESULTS, DEAD_LETTERS], never);
    const sum = (of: 'results' | 'requests' | 'runs') => groups.reduce((total, { counts }) => total + counts[of], 0);
    return { results: sum('results'), requests: sum('requests'), runs: sum('runs'), unsure };
  };
  await stack.startHost(SECONDLY);
  let sent = 0;
  for (let round = 0; round < 3; round++) {
    const other = await stack.startHost(SECONDLY);
    for (const partition of ['0', '1', '2', '3']) {
      const many = 50 + random.below(100);
      await stack.send(many, partition);
      sent += many;
    }
    await stack.send(5, '1', 'nobody'); // unknown_model
    sent += 5;
    await delay(random.between(200, 2_000));
    await other.kill();
  }
  let last = await counted();
  for (let waited = 0; waited < 120 && last.requests < sent; waited++) {
    await delay(500);
    last = await counted();
  }
  await delay(3_000); // nor does it count more
  last = await counted();
  expect(last).toMatchObject({ requests: sent, results: sent - 15, unsure: 0 });
  expect(last.runs).toBeGreaterThan(0);
  expect(last.runs).toBeLessThan(last.results);
}, 180_000);
