import { describe, expect, it } from 'vitest';
import type { OutgoingMessage } from '../../../src/core/ending-messages.ts';
import { verify } from '../../../src/ledger/verify.ts';
import { batchOf, createWorld, request, startProcess, type World } from '../../support/ledger-world.ts';
import { type MemoryHub, memoryReader } from '../../support/memory-hub.ts';

const several = (sequenceNumber: number) => (sequenceNumber % 5 === 2 ? 3 : 1);

async function check(world: World, options: Partial<Parameters<typeof verify>[0]> = {}) {
  const reader = (hub: MemoryHub) => memoryReader(hub, () => {});
  const hubs = {
    requests: reader(world.requests),
    results: reader(world.results),
    deadLetters: reader(world.deadLetters),
  };
  const readRecords = ({ sequenceNumber }: { sequenceNumber: number }) =>
    Array.from({ length: world.requestsOf(sequenceNumber) }, (_, i) => world.passes(sequenceNumber, i));
  const [verdict] = await verify({ hubs, readRecords, maxListed: 3, ...options }, AbortSignal.timeout(20_000));
  return verdict;
}

async function scored(count: number, options: Partial<World> = {}): Promise<World> {
  const world = createWorld({
    requestsOf: several,
    isBad: (sequenceNumber, i) => (sequenceNumber + i) % 7 === 0,
    wireBatch: 1_000,
    ...options,
  });
  request(world, count);
  await startProcess(world).scorer.scoreBatch(batchOf(world, 0, count));
  return world;
}

const again = (hub: MemoryHub, at: number) => hub.append(hub.events[at] as never, hub.events.at(-1)?.enqueuedAtMs ?? 0);
const NONE = { count: 0, ids: [] };

describe('verify', () => {
  it('finds nothing where nothing is wrong', async () => {
    const world = await scored(100);
    const requests = 100 + 20 * 2;
    const verdict = await check(world);
    expect(verdict).toMatchObject({
      partition: '0',
      events: 100,
      requests,
      missing: NONE,
      repeated: NONE,
      outOfOrder: NONE,
    });
    expect((verdict?.results ?? 0) + (verdict?.deadLetters ?? 0)).toBe(requests);
    expect(verdict?.deadLetters).toBe(world.deadLetters.events.length);
  });

  it('names what is missing', async () => {
    const world = await scored(20);
    world.results.events = world.results.events.filter(
      event => !['requests/0/4', 'requests/0/12/0', 'requests/0/18'].includes(event.messageId ?? ''),
    );
    expect((await check(world))?.missing).toEqual({
      count: 3,
      ids: ['requests/0/4', 'requests/0/12/0', 'requests/0/18'],
    });
  });

  it('names what came twice, in one hub or in both', async () => {
    const world = await scored(20);
    again(world.results, 3);
    world.deadLetters.append(world.results.events[5] as never, 1e9);
    const verdict = await check(world);
    const ids = [world.results.events[3]?.messageId, world.results.events[5]?.messageId];
    expect(verdict?.repeated).toEqual({ count: 2, ids });
    expect(verdict?.otherwise).toEqual({ count: 1, ids: [ids[1]] });
    expect(verdict).toMatchObject({ missing: NONE, outOfOrder: NONE });
  });

  it('names what stands behind a later one', async () => {
    const world = await scored(20);
    const [first] = world.results.events.splice(0, 1);
    world.results.append(first as never, 1e9);
    expect(await check(world)).toMatchObject({
      outOfOrder: { count: 1, ids: [first?.messageId] },
      repeated: NONE,
      missing: NONE,
    });
  });

  it('asks only about requests of the time it is given', async () => {
    const world = await scored(50);
    const at = (i: number) => world.requests.events[i]?.enqueuedAtMs ?? 0;
    world.results.events = world.results.events.filter(event => event.messageId !== 'requests/0/4');
    expect(await check(world, { fromMs: at(10), toMs: at(30) })).toMatchObject({
      events: 20,
      missing: NONE,
      repeated: NONE,
    });
    expect(await check(world, { toMs: at(30) })).toMatchObject({ events: 30, missing: { count: 1 } });
  });

  it('takes a dead letter for a whole event as the ending of all its requests', async () => {
    const world = await scored(3, { requestsOf: () => 1 });
    const counted = await check(world, {
      readRecords: event => new Array(event.sequenceNumber === 0 ? 4 : 1).fill(false),
    });
    expect(counted).toMatchObject({ requests: 6, missing: NONE });
    expect((counted?.results ?? 0) + (counted?.deadLetters ?? 0)).toBe(6);
  });

  it('counts what is passed over, whole events among it, and misses none of it', async () => {
    const passes = (sequenceNumber: number, i: number) => sequenceNumber % 3 === 0 || (sequenceNumber + i) % 4 === 0;
    const world = await scored(50, { passes });
    const verdict = await check(world);
    expect(verdict).toMatchObject({ events: 50, requests: 70, missing: NONE, repeated: NONE, outOfOrder: NONE });
    expect(verdict?.skipped).toBeGreaterThan(20);
    expect((verdict?.results ?? 0) + (verdict?.deadLetters ?? 0)).toBe(70 - (verdict?.skipped ?? 0));
    world.results.events = world.results.events.filter(event => event.messageId !== 'requests/0/2/1');
    expect((await check(world))?.missing).toEqual({ count: 1, ids: ['requests/0/2/1'] });
  });

  it('leaves endings of an earlier hub of the same name aside', async () => {
    const world = await scored(30, { requestsOf: () => 1 });
    world.requests.recreate(world.nowMs);
    request(world, 5);
    await startProcess(world).scorer.scoreBatch(batchOf(world, 0, 5));
    expect(await check(world)).toMatchObject({ events: 5, missing: NONE, repeated: NONE, outOfOrder: NONE });
  });

  it('walks many pages, tells how far it is, and still knows a late repeat', async () => {
    const world = createWorld();
    const own = (i: number): OutgoingMessage['own'] => ({
      source_sequence_number: i,
      settled_through: i,
      source_log: 1_000,
    });
    const body = Buffer.from('');
    for (let i = 0; i < 200_000; i++) {
      world.requests.append({ body, messageId: undefined, properties: {} }, i);
      world.results.append({ body, messageId: `requests/0/${i}`, properties: own(i) }, i);
    }
    again(world.results, 7);
    const progress: number[] = [];
    const verdict = await check(world, { onProgress: ({ requests }) => void progress.push(requests) });
    expect(verdict).toMatchObject({
      requests: 200_000,
      results: 200_000,
      missing: NONE,
      repeated: { count: 1, ids: ['requests/0/7'] },
    });
    expect(progress.length).toBeGreaterThan(3);
    expect(progress).toEqual([...progress].sort((a, b) => a - b));
  });
});
