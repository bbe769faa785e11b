import { expect, it } from 'vitest';
import { readFlips } from '../../../src/shadow/pair-lines.ts';
import { pairPartition, sampler } from '../../../src/shadow/pair-partition.ts';
import { readTally } from '../../../src/shadow/shadow-state.ts';
import type { ScoreEvents } from '../../../src/shadow/told.ts';
import { NINE, resultEvent } from '../../support/endings.ts';
import { memoryBlobs } from '../../support/memory-blobs.ts';
import { MemoryHub, memoryReader } from '../../support/memory-hub.ts';
import { Killed, mortalBlobs } from '../../support/mortal-blobs.ts';
import { createRandom } from '../../support/seeded-random.ts';

const never = new AbortController().signal;
const HUB = 'inference-requests';
const shadow = { id: 'sh_1', version: '1.2.0', sample: 60, effective_at: new Date(NINE + 500).toISOString() };

/** Every seventh request is one for another model, which is left out. */
const isOurs = (sequenceNumber: number) => sequenceNumber % 7 !== 3;
const isDead = (sequenceNumber: number) => sequenceNumber % 11 === 5;
const isOther = (sequenceNumber: number) => sequenceNumber % 5 === 2;

const score: ScoreEvents = async ({ partition, events }) =>
  events
    .filter(({ sequenceNumber }) => isOurs(sequenceNumber))
    .map(({ sequenceNumber, enqueuedAtMs }) => ({
      ...{ resultId: `${HUB}/${partition}/${sequenceNumber}`, requestId: sequenceNumber, enqueuedAtMs },
      ...{ version: '1.2.0', isAnswer: true, prediction: isOther(sequenceNumber) ? 0 : 1 },
    }));

it('pairs each sampled request once, with two at it, both killed at random, and results that come late, or again', async () => {
  const random = createRandom(Number(process.env.TEST_SEED));
  const [requests, results] = [new MemoryHub(HUB), new MemoryHub('results')];
  const blobs = memoryBlobs();
  const held: number[] = [];
  const settled = new Set<number>();
  let [kills, through, nowMs] = [0, -1, NINE];

  const end = (sequenceNumber: number) => {
    settled.add(sequenceNumber);
    while (settled.has(through + 1)) through++;
    if (isDead(sequenceNumber)) return;
    const model = isOurs(sequenceNumber) ? 'churn' : 'other';
    const event = resultEvent({ sequenceNumber, model });
    const properties = { ...event.properties, settled_through: through };
    for (let times = random.below(10) === 0 ? 2 : 1; times > 0; times--)
      results.append({ ...event, properties }, nowMs);
  };
  async function pairOnce(mortal: boolean): Promise<void> {
    const alive = () => {
      if (mortal && random.next() < 0.02) throw new Killed();
    };
    const options = {
      ...{ model: 'churn', shadow, score, requestsCreatedAtMs: 1, clock: () => nowMs },
      ...{ requests: memoryReader(requests, alive), results: memoryReader(results, alive) },
      blobs: mortal ? mortalBlobs(blobs, random) : blobs,
      untilMs: random.below(2) === 0 || !mortal ? Number.POSITIVE_INFINITY : 0,
    };
    await pairPartition('0', options, never).catch(thrown => {
      if (!(thrown instanceof Killed) && (thrown as Error).name !== 'BlobConflict') throw thrown;
      kills++;
    });
  }

  for (let round = 0; round < 80; round++) {
    nowMs += 100;
    for (let i = random.below(30); i > 0; i--) {
      const sequenceNumber = requests.next;
      requests.append(
        { body: Buffer.from('{}'), messageId: undefined, correlationId: undefined, properties: {} },
        nowMs,
      );
      if (random.below(12) === 0) held.push(sequenceNumber);
      else end(sequenceNumber);
    }
    if (random.below(3) === 0) for (const sequenceNumber of held.splice(0)) end(sequenceNumber);
    await Promise.all([pairOnce(true), pairOnce(true)]);
  }
  for (const sequenceNumber of held) end(sequenceNumber);
  const last = requests.next; // one more shows that all before it are settled
  requests.append({ body: Buffer.from('{}'), messageId: undefined, correlationId: undefined, properties: {} }, nowMs);
  settled.add(last);
  while (settled.has(through + 1)) through++;
  const event = resultEvent({ sequenceNumber: last, model: 'other' });
  results.append({ ...event, properties: { ...event.properties, settled_through: through } }, nowMs);
  for (let i = 0; i < 3; i++) await pairOnce(false);

  const isSampled = sampler(HUB, '0', shadow);
  const paired = requests.events
    .slice(0, last)
    .filter(({ sequenceNumber: at, enqueuedAtMs }) => {
      const isLate = enqueuedAtMs >= Date.parse(shadow.effective_at);
      return isLate && isSampled(at) && isOurs(at) && !isDead(at);
    })
    .map(({ sequenceNumber }) => sequenceNumber);
  const flips = paired.filter(isOther);
  expect(kills).toBeGreaterThan(20);
  expect(paired.length).toBeGreaterThan(100);
  const tally = await readTally(blobs, { model: 'churn', version: '1.2.0', id: 'sh_1' }, never);
  expect(tally).toMatchObject({ pairs: paired.length, flips: flips.length, errors: 0, lost: 0 });
  const listed = await readFlips(blobs, { model: 'churn', version: '1.2.0' }, NINE, never);
  expect(listed.map(({ request_id }) => request_id).sort()).toEqual([...flips].sort());
  expect(listed[0]).toMatchObject({ baseline: { version: '1.1.0', prediction: 1 }, candidate: { prediction: 0 } });
});

it('takes the share of a partition that was asked for, the same whoever looks', () => {
  const isSampled = sampler(HUB, '3', { ...shadow, sample: 20 });
  const many = Array.from({ length: 10_000 }, (_, i) => i).filter(isSampled).length;
  expect(many).toBeGreaterThan(1_850);
  expect(many).toBeLessThan(2_150);
});
