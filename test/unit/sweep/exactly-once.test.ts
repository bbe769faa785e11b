import { expect, it } from 'vitest';
import { readCounts } from '../../../src/sweep/read-counts.ts';
import { sweepPartition } from '../../../src/sweep/sweep-partition.ts';
import { appendEndings, letterEvent, NINE, resultEvent } from '../../support/endings.ts';
import { memoryBlobs } from '../../support/memory-blobs.ts';
import { MemoryHub, memoryReader } from '../../support/memory-hub.ts';
import { Killed, mortalBlobs } from '../../support/mortal-blobs.ts';
import { createRandom } from '../../support/seeded-random.ts';

const never = new AbortController().signal;
const HOUR = 3_600_000;

it('counts every ending once, with two sweeping at once, both killed at random', async () => {
  const random = createRandom(Number(process.env.TEST_SEED));
  const results = new MemoryHub('results');
  const letters = new MemoryHub('letters');
  const blobs = memoryBlobs();
  const arms = [
    { variant: 'candidate', version: '1.2.0' },
    { variant: 'production', version: '1.1.0' },
  ] as const;
  const counted = new Set<number>();
  const expected = { candidate: 0, production: 0, letters: 0 };
  let kills = 0;
  let nowMs = NINE;

  async function sweepOnce(hub: MemoryHub, kind: 'results' | 'dead-letters'): Promise<void> {
    const reader = memoryReader(hub, () => {
      if (random.next() < 0.02) throw new Killed();
    });
    const more = { kind, reader, blobs: mortalBlobs(blobs, random), hubCreatedAtMs: 1, weightOf: () => 50 };
    const options = { ...more, clock: () => nowMs, untilMs: Number.POSITIVE_INFINITY };
    await sweepPartition('0', options, never).catch(thrown => {
      if (!(thrown instanceof Killed) && (thrown as Error).name !== 'BlobConflict') throw thrown;
      kills++;
    });
  }

  for (let round = 0; round < 120; round++) {
    for (let i = random.below(30); i > 0; i--) {
      // Some come again, some late, and in any order.
      const sequenceNumber = Math.max(0, round * 20 + random.below(40) - 20);
      const arm = arms[sequenceNumber % 2] as (typeof arms)[number];
      const parts = { sequenceNumber, rollout: 'ro_1', bucket: sequenceNumber % 2 === 0 ? 7 : 9_000, ...arm };
      if (sequenceNumber % 10 === 3) {
        if (!counted.has(sequenceNumber)) expected.letters++;
        appendEndings(letters, [letterEvent({ ...parts, code: 'inference_failed' })], nowMs);
      } else {
        if (!counted.has(sequenceNumber)) expected[arm.variant]++;
        appendEndings(results, [resultEvent({ ...parts, scoredAtMs: NINE + sequenceNumber })], nowMs);
      }
      counted.add(sequenceNumber);
    }
    nowMs += HOUR / 20;
    await Promise.all([
      sweepOnce(results, 'results'),
      sweepOnce(results, 'results'),
      sweepOnce(letters, 'dead-letters'),
    ]);
  }
  const sweepAll = async (hub: MemoryHub, kind: 'results' | 'dead-letters') => {
    const options = { kind, reader: memoryReader(hub, () => {}), blobs, hubCreatedAtMs: 1, weightOf: () => 50 };
    await sweepPartition('0', { ...options, clock: () => nowMs, untilMs: Number.POSITIVE_INFINITY }, never);
  };
  await sweepAll(results, 'results');
  await sweepAll(letters, 'dead-letters');

  expect(kills).toBeGreaterThan(20);
  const { groups, unsure } = await readCounts(blobs, ['results', 'letters'], never);
  const sum = (variant: string, of: 'results' | 'requests' | 'misrouted') =>
    groups.filter(each => each.group.variant === variant).reduce((total, { counts }) => total + counts[of], 0);
  expect({ candidate: sum('candidate', 'results'), production: sum('production', 'results') }).toEqual({
    candidate: expected.candidate,
    production: expected.production,
  });
  const requests = sum('candidate', 'requests') + sum('production', 'requests');
  expect(requests).toBe(expected.candidate + expected.production + expected.letters);
  expect([unsure, sum('candidate', 'misrouted'), sum('production', 'misrouted')]).toEqual([0, 0, 0]);

  // Windows that are over are the same sums.
  const windows = (await blobs.list('windows/results/0/1h/', never)).map(({ path }) => path);
  let inWindows = 0;
  for (const path of windows) {
    const { groups: there } = JSON.parse((await blobs.readText(path, never)).text);
    for (const { counts } of there) inWindows += counts.results;
  }
  expect(windows.length).toBe(5); // the sixth hour is open
  expect(inWindows).toBeLessThanOrEqual(expected.candidate + expected.production);
  expect(inWindows).toBeGreaterThan((expected.candidate + expected.production) / 2);
});
