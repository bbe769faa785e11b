import { resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openReader } from '../../src/app/open-events.ts';
import { createBlobs } from '../../src/azure/blobs.ts';
import { readCounts } from '../../src/sweep/read-counts.ts';
import { type AppStack, startAppStack } from '../support/app-stack.ts';
import { DEAD_LETTERS, RESULTS } from '../support/scoring.ts';
import { createRandom } from '../support/seeded-random.ts';

const QUICK = { SWEEP_SCHEDULE: '* * * * * *', ROLLOUT_LEAD_SECONDS: '3', DEPLOYMENT_CHECK_SECONDS: '1' };
const CANDIDATE = resolve(import.meta.dirname, '../../samples/models/diabetes/1.1.0');
const never = new AbortController().signal;
let stack: AppStack;

beforeAll(async () => {
  stack = await startAppStack({}, [4, 4, 4], QUICK);
});
afterAll(() => stack.stop());

it('counts every ending once and in its arm, swept by two hosts of which one is killed again and again', async () => {
  const random = createRandom(Number(process.env.TEST_SEED));
  const blobs = createBlobs({ kind: 'connection-string', connectionString: stack.storage.connectionString }, 'monitor');
  const counted = async () => {
    const { groups, unsure } = await readCounts(blobs, [RESULTS, DEAD_LETTERS], never);
    const sum = (of: 'results' | 'requests' | 'runs' | 'misrouted', variant?: string) =>
      groups
        .filter(({ group }) => variant === undefined || group.variant === variant)
        .reduce((total, { counts }) => total + counts[of], 0);
    return {
      ...{ results: sum('results'), requests: sum('requests'), runs: sum('runs'), misrouted: sum('misrouted'), unsure },
      arms: { candidate: sum('requests', 'candidate'), production: sum('requests', 'production') },
    };
  };
  await stack.startHost();
  const commands = [
    ['models', 'push', CANDIDATE, '--candidate'],
    ['rollout', 'start', 'diabetes', '1.1.0', '--weight', '30', '--trigger', 'error_rate > 0.5'],
  ];
  for (const words of commands) {
    const { code, out } = await stack.hubscore(...words);
    expect(code, out).toBe(0);
  }
  let sent = 0;
  for (let round = 0; round < 3; round++) {
    if (round === 2) expect((await stack.hubscore('rollout', 'weight', 'diabetes', '60')).code).toBe(0);
    const other = await stack.startHost();
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
  await stack.send(40, '2');
  sent += 40;
  let last = await counted();
  for (let waited = 0; waited < 120 && last.requests < sent; waited++) {
    await delay(500);
    last = await counted();
  }
  await delay(3_000); // nor does it count more
  last = await counted();
  expect(last).toMatchObject({ requests: sent, results: sent - 15, misrouted: 0, unsure: 0 });
  expect(last.runs).toBeGreaterThan(0);
  expect(last.runs).toBeLessThan(last.results);
  const there = await endingsByArm();
  expect(last.arms).toEqual(there);
  expect(there.candidate).toBeGreaterThan(0);
}, 240_000);

/** As the hub has them, each result once. */
async function endingsByArm() {
  const connection = { kind: 'connection-string', connectionString: stack.hubs.connectionString } as const;
  const reader = openReader(connection, RESULTS, ['$Default'], 1_000);
  const arms = { candidate: new Set<string>(), production: new Set<string>() };
  try {
    for (const partition of (await reader.describe(never)).partitions) {
      const { first, last, empty } = await reader.range(partition, never);
      if (empty) continue;
      for await (const block of reader.read(partition, { sequenceNumber: first }, never)) {
        for (const { properties, messageId } of block)
          if (properties.variant === 'candidate' || properties.variant === 'production')
            arms[properties.variant].add(messageId ?? '');
        if ((block.at(-1)?.sequenceNumber ?? last) >= last) break;
      }
    }
  } finally {
    await reader.close();
  }
  return { candidate: arms.candidate.size, production: arms.production.size };
}
