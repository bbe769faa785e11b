import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { weigh } from '../../../src/codecs/weigh.ts';
import { ConfigurationError, InfrastructureError, RequestError } from '../../../src/core/errors.ts';
import type { Event, EventBatch } from '../../../src/core/event.ts';
import type { HubReader } from '../../../src/core/hub-reader.ts';
import type { Outcome } from '../../../src/core/outcome.ts';
import { ScoredBatch } from '../../../src/core/scored-batch.ts';
import {
  allIds,
  batchOf,
  createWorld,
  idsIn,
  renderDeadLetter,
  request,
  startProcess,
  type World,
} from '../../support/ledger-world.ts';
import { type MemoryHub, memoryReader } from '../../support/memory-hub.ts';

function scored(events: readonly Event[], outcomes: readonly Outcome[]): ScoredBatch {
  return ScoredBatch.of({ hub: 'requests', partition: '0', events }, outcomes);
}

/** Endings of some events, given as those of all. */
function leavingOut(events: readonly Event[], { places, arms, slices }: ScoredBatch): ScoredBatch {
  return new ScoredBatch({ hub: 'requests', partition: '0', events }, { eventOf: undefined, places, arms }, slices);
}

const scoreAll = async (world: World, from = 0, options?: Parameters<typeof startProcess>[1]) =>
  startProcess(world, options).scorer.scoreBatch(batchOf(world, from, world.requests.next - from));

describe('a batch', () => {
  it('of small events that unpack to more than may be in flight is scored a few at a time', async () => {
    const world = createWorld();
    const packed = gzipSync(`[${new Array(10_000).fill('{}').join()}]`);
    request(world, 100);
    for (const event of world.requests.events) Object.assign(event, { body: packed });
    const sizes: number[] = [];
    const score = async (batch: EventBatch) => {
      sizes.push(batch.events.length);
      const outcomes = batch.events.map(event => {
        const resultId = `requests/0/${event.sequenceNumber}`;
        const subject = { event, resultId, model: undefined, modelVersion: undefined };
        return renderDeadLetter(batch, subject, new RequestError('unexpected', 'infer', 'no'));
      });
      return ScoredBatch.of(batch, outcomes);
    };
    const batch = batchOf(world, 0, 100);
    const events = batch.events.map(event => ({ ...event, contentEncoding: 'gzip' }));
    const { scorer } = startProcess(world, { score, weigh, maxSliceBytes: 32 * 1024 * 1024 });
    await scorer.scoreBatch({ ...batch, events });
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(100);
    expect(Math.max(...sizes)).toBe(3); // 10 MiB each, for their 10,000 requests
  });

  it('that comes again in the same process, or in another, is not scored again', async () => {
    const world = createWorld();
    request(world, 10);
    const { scorer } = startProcess(world);
    await scorer.scoreBatch(batchOf(world, 0, 10));
    await scorer.scoreBatch(batchOf(world, 0, 10));
    await scorer.scoreBatch(batchOf(world, 3, 4));
    await scoreAll(world);
    expect(idsIn(world.results)).toEqual(allIds(world));
    expect(world.said).toContainEqual(expect.stringContaining('requests/0: 0 to 9 came again and are settled already'));
  });

  it('that follows a hole is scored after what the host passed over', async () => {
    const world = createWorld();
    request(world, 20);
    const { scorer } = startProcess(world);
    await scorer.scoreBatch(batchOf(world, 0, 5));
    await scorer.scoreBatch(batchOf(world, 16, 4));
    expect(idsIn(world.results)).toEqual(allIds(world));
    expect(world.said).toContainEqual(expect.stringContaining('5 to 15 were passed over by the host'));
  });

  it('with a hole inside is filled up too', async () => {
    const world = createWorld();
    request(world, 12);
    const batch = batchOf(world, 0, 12);
    const holed = {
      ...batch,
      events: batch.events.filter(event => event.sequenceNumber < 3 || event.sequenceNumber > 8),
    };
    await startProcess(world).scorer.scoreBatch(holed);
    expect(idsIn(world.results)).toEqual(allIds(world));
  });

  it('is not scored again where another process had the partition in between and died before its checkpoint', async () => {
    const world = createWorld();
    request(world, 20);
    const { scorer } = startProcess(world);
    await scorer.scoreBatch(batchOf(world, 0, 10));
    await startProcess(world).scorer.scoreBatch(batchOf(world, 10, 5));
    world.nowMs += 1_000;
    await scorer.scoreBatch(batchOf(world, 10, 10)); // follows what this process scored last
    expect(idsIn(world.results)).toEqual(allIds(world));
  });

  it('that follows the one before it at once, or with nobody else having appended, reads no tail', async () => {
    const world = createWorld({ isBad: sequenceNumber => sequenceNumber % 3 === 0 });
    request(world, 30);
    const looks = { reads: 0, ranges: 0 };
    const counted = (hub: MemoryHub): HubReader => {
      const reader = memoryReader(hub, () => {});
      return {
        ...reader,
        range: (...args) => {
          looks.ranges++;
          return reader.range(...args);
        },
        read: (...args) => {
          looks.reads++;
          return reader.read(...args);
        },
      };
    };
    const hubs = {
      requests: counted(world.requests),
      results: counted(world.results),
      deadLetters: counted(world.deadLetters),
    };
    const log = { info: () => {}, warn: () => {}, error: () => {} };
    const { scorer } = startProcess(world, { ledger: { hubs, initialPosition: 'start', log } });
    await scorer.scoreBatch(batchOf(world, 0, 10));
    Object.assign(looks, { reads: 0, ranges: 0 });
    await scorer.scoreBatch(batchOf(world, 10, 10));
    expect(looks).toEqual({ reads: 0, ranges: 0 });
    world.nowMs += 1_000;
    await scorer.scoreBatch(batchOf(world, 20, 10));
    expect(looks).toEqual({ reads: 0, ranges: 2 });
  });

  it('is begun only once the one before it in its partition has ended', async () => {
    const world = createWorld();
    request(world, 2);
    let running = 0;
    let most = 0;
    const { scorer } = startProcess(world, {
      async score(batch) {
        most = Math.max(most, ++running);
        await new Promise(resolve => setTimeout(resolve, 5));
        running--;
        return scored(
          batch.events,
          batch.events.map(event => ({
            ...renderDeadLetter(
              batch,
              { event, resultId: `requests/0/${event.sequenceNumber}`, model: undefined, modelVersion: undefined },
              new Error() as never,
            ),
          })),
        );
      },
    });
    await Promise.all([scorer.scoreBatch(batchOf(world, 0, 1)), scorer.scoreBatch(batchOf(world, 1, 1))]);
    expect(most).toBe(1);
    expect(idsIn(world.deadLetters)).toEqual(allIds(world));
  });
});

describe('marks', () => {
  it('of dead letters in a mixed batch are those from before it; results bear what is settled with them', async () => {
    const world = createWorld({ isBad: sequenceNumber => sequenceNumber % 3 === 1, wireBatch: 100 });
    request(world, 8);
    await scoreAll(world);
    const marks = (hub: 'results' | 'deadLetters') =>
      world[hub].events.map(event => [event.properties.source_sequence_number, event.properties.settled_through]);
    expect(marks('deadLetters')).toEqual([
      [1, -1],
      [4, -1],
      [7, -1],
    ]);
    expect(marks('results')).toEqual([
      [0, 1],
      [2, 2],
      [3, 4],
      [5, 5],
      [6, 7],
    ]);
  });

  it('of dead letters alone are the new ones', async () => {
    const world = createWorld({ isBad: () => true });
    request(world, 3);
    await scoreAll(world);
    expect(world.deadLetters.events.map(event => event.properties.settled_through)).toEqual([0, 1, 2]);
  });

  it('count an event with several requests only with its last result', async () => {
    const world = createWorld({ requestsOf: () => 3, isBad: (_, i) => i === 2, wireBatch: 100 });
    request(world, 2);
    await scoreAll(world);
    expect(world.results.events.map(event => event.properties.settled_through)).toEqual([-1, 0, 0, 1]);
  });

  it('count the highest, not the last: an owner that lost the partition may append late', async () => {
    const world = createWorld();
    request(world, 10);
    await scoreAll(world);
    const late = world.results.events[2];
    if (late) world.results.append(late, world.nowMs); // and so bears the mark 2
    await scoreAll(world);
    expect(idsIn(world.results)).toEqual([...allIds(world), 'requests/0/2']);
    expect(world.said).toContainEqual(expect.stringContaining('0 to 9 came again and are settled already'));
  });

  it('are looked for behind what strangers appended', async () => {
    const world = createWorld();
    request(world, 10);
    await scoreAll(world);
    for (let i = 0; i < 1_000; i++)
      world.results.append({ body: Buffer.from('?'), messageId: `other/0/${i}`, properties: {} }, world.nowMs);
    await scoreAll(world);
    expect(world.results.events).toHaveLength(1_010);
  });

  it('are found though a thousand dead letters of one batch lie behind them', async () => {
    const world = createWorld({ requestsOf: () => 100, isBad: sequenceNumber => sequenceNumber < 10, wireBatch: 50 });
    request(world, 12);
    world.faults = [...Array.from({ length: 20 }, () => 'none' as const), 'crash before']; // all letters, no result
    await expect(scoreAll(world)).rejects.toThrow(InfrastructureError);
    expect(world.deadLetters.events).toHaveLength(1_000);
    await scoreAll(world);
    expect([...idsIn(world.deadLetters), ...idsIn(world.results)]).toEqual(allIds(world));
  });
});

describe('the first batch of all', () => {
  it('begins with everything there is, or with itself, as the setting says', async () => {
    for (const [initialPosition, first] of [
      ['start', 0],
      ['batch', 6],
    ] as const) {
      const world = createWorld();
      request(world, 9);
      await scoreAll(world, 6, { initialPosition });
      expect(idsIn(world.results)).toEqual(allIds(world, first));
      await scoreAll(world, 6, { initialPosition: 'start' }); // the mark holds from then on
      expect(idsIn(world.results)).toEqual(allIds(world, first));
    }
  });

  it('begins with what has not expired', async () => {
    const world = createWorld();
    request(world, 9);
    world.requests.expire(4);
    await scoreAll(world, 6);
    expect(idsIn(world.results)).toEqual(allIds(world, 4));
  });
});

describe('what can go wrong with hubs', () => {
  it('requests that expired before they were scored are named, and the rest goes on', async () => {
    const world = createWorld();
    request(world, 20);
    const { scorer } = startProcess(world);
    await scorer.scoreBatch(batchOf(world, 0, 5));
    world.requests.expire(9);
    await scorer.scoreBatch(batchOf(world, 12, 8));
    expect(idsIn(world.results)).toEqual([...allIds(world).slice(0, 5), ...allIds(world).slice(9)]);
    expect(world.said).toContainEqual(expect.stringContaining('5 to 8 expired before they were scored'));
    const said = world.said.length;
    await scorer.scoreBatch(batchOf(world, 12, 8));
    expect(world.said.slice(said).filter(line => line.includes('expired'))).toEqual([]); // said once
  });

  it('a requests hub made anew starts at its beginning, whatever old results say, also after a crash', async () => {
    const world = createWorld();
    request(world, 50);
    await scoreAll(world);
    world.requests.recreate(world.nowMs);
    request(world, 6);
    world.faults = ['none', 'crash before'];
    await expect(scoreAll(world)).rejects.toThrow();
    await scoreAll(world);
    await scoreAll(world);
    expect(idsIn(world.results).slice(50)).toEqual(allIds(world));
    expect(world.said).toContainEqual(expect.stringContaining('the requests hub was made anew'));
  });

  it('numbers that start again without a new hub are noticed too, and for good', async () => {
    const world = createWorld();
    request(world, 50);
    await scoreAll(world);
    world.requests.recreate(world.requests.createdAtMs); // an emulator that forgets
    request(world, 6);
    await scoreAll(world);
    request(world, 100); // past the old mark
    await scoreAll(world, 6);
    expect(idsIn(world.results).slice(50)).toEqual(allIds(world));
    expect(world.said).toContainEqual(expect.stringContaining('its sequence numbers started again'));
  });

  it('what another process scores while the tails are read is no sign that numbers started again', async () => {
    const world = createWorld();
    request(world, 50);
    const { scorer: other } = startProcess(world);
    await other.scoreBatch(batchOf(world, 0, 50));
    const requests = memoryReader(world.requests, () => {});
    const before = await requests.range('0', AbortSignal.timeout(1000));
    request(world, 5);
    await other.scoreBatch(batchOf(world, 50, 5));
    let looks = 0;
    const range: HubReader['range'] = (...asked) =>
      looks++ === 0 ? Promise.resolve(before) : requests.range(...asked);
    const hubs = {
      requests: { ...requests, range },
      results: memoryReader(world.results, () => {}),
      deadLetters: memoryReader(world.deadLetters, () => {}),
    };
    const say = (message: string) => void world.said.push(message);
    const ledger = { hubs, initialPosition: 'start' as const, log: { info: say, warn: say, error: say } };
    await startProcess(world, { ledger }).scorer.scoreBatch(batchOf(world, 50, 5));
    expect(looks).toBeGreaterThan(0);
    expect(idsIn(world.results)).toEqual(allIds(world));
    expect(world.said).not.toContainEqual(expect.stringContaining('started again'));
  });

  it('results that have all expired: on with the first request since', async () => {
    const world = createWorld();
    request(world, 5);
    await scoreAll(world);
    world.results.expire(5);
    world.nowMs = 30_000;
    request(world, 5);
    await scoreAll(world, 7);
    expect(idsIn(world.results)).toEqual(allIds(world, 5));
    expect(world.said).toContainEqual(expect.stringContaining('all its results have expired'));
  });

  it('results that have all expired never make the host’s own batch count as settled', async () => {
    const world = createWorld();
    request(world, 5);
    await startProcess(world).scorer.scoreBatch(batchOf(world, 0, 3));
    world.results.expire(3);
    await scoreAll(world, 3);
    expect(idsIn(world.results)).toEqual(allIds(world, 3));
  });

  it('results that vanish under a running process are not made again: it knows what it settled', async () => {
    const world = createWorld();
    request(world, 5);
    const { scorer } = startProcess(world);
    await scorer.scoreBatch(batchOf(world, 0, 5));
    world.results.recreate(world.nowMs);
    await scorer.scoreBatch(batchOf(world, 2, 3));
    expect(idsIn(world.results)).toEqual([]);
  });

  it('hubs with fewer partitions than the requests are refused by name; more are those that are being added', async () => {
    const world = createWorld();
    world.requests.partitions = ['0', '1'];
    request(world, 1);
    await expect(scoreAll(world)).rejects.toThrow(ConfigurationError);
    await expect(scoreAll(world)).rejects.toThrow(/hub results has 1 partitions and requests has 2/);
    expect(world.results.events).toEqual([]);
    world.results.partitions = world.deadLetters.partitions = ['0', '1', '2'];
    await scoreAll(world);
    expect(idsIn(world.results)).toHaveLength(1);
  });
});

describe('a partition that falls silent behind a hole', () => {
  it('is settled once nothing has happened for a while, and not before', async () => {
    const world = createWorld();
    request(world, 10);
    const { scorer } = startProcess(world);
    await scorer.scoreBatch(batchOf(world, 0, 4));
    world.nowMs += 59_000;
    expect(await scorer.fillSilentPartitions()).toBe(0);
    world.nowMs += 2_000;
    expect(await scorer.fillSilentPartitions()).toBe(6);
    expect(await scorer.fillSilentPartitions()).toBe(0);
    expect(idsIn(world.results)).toEqual(allIds(world));
  });

  it('is settled as far as requests are old, and not beyond', async () => {
    const world = createWorld();
    request(world, 3);
    world.nowMs += 61_000;
    request(world, 3);
    const { scorer } = startProcess(world);
    expect(await scorer.fillSilentPartitions()).toBe(3);
    expect(idsIn(world.results)).toEqual(allIds(world).slice(0, 3));
  });

  it('may be one whose records are passed over, at which somebody is still at work', async () => {
    const world = createWorld({ passes: sequenceNumber => sequenceNumber < 9 });
    request(world, 10);
    world.nowMs += 61_000;
    const [owner, other] = [startProcess(world), startProcess(world)];
    for (const [from, count] of [
      [0, 3],
      [3, 3],
      [6, 3],
    ] as const) {
      await owner.scorer.scoreBatch(batchOf(world, from, count));
      world.nowMs += 400;
    }
    expect(await other.scorer.fillSilentPartitions()).toBe(10);
    await owner.scorer.scoreBatch(batchOf(world, 9, 1));
    expect(idsIn(world.results)).toEqual(['requests/0/9']);
  });

  it('is read again after the mark of what was passed over, where no ending says it', async () => {
    const world = createWorld({ passes: sequenceNumber => sequenceNumber !== 3 });
    request(world, 40);
    const owner = startProcess(world);
    await owner.scorer.scoreBatch(batchOf(world, 0, 10));
    expect(world.mark).toBeUndefined();
    world.nowMs += 31_000;
    await owner.scorer.scoreBatch(batchOf(world, 10, 10));
    expect(world.mark?.settledThrough).toBe(19);
    await owner.scorer.scoreBatch(batchOf(world, 20, 5)); // not yet time for another
    world.nowMs += 61_000;
    expect(await startProcess(world).scorer.fillSilentPartitions()).toBe(20);
    await startProcess(world).scorer.scoreBatch(batchOf(world, 30, 10));
    expect(world.said).toContainEqual(expect.stringContaining('20 to 29 were passed over by the host'));
    expect(idsIn(world.results)).toEqual(['requests/0/3']);
    expect(world.falseMarks).toEqual([]);
  });

  it.each([
    ['of other hubs', (world: World) => world.results.recreate(2_000)],
    ['of a requests hub that was there before', (world: World) => Object.assign(world.mark as object, { log: 1 })],
  ])('is not taken for settled by a mark %s', async (_, change) => {
    const world = createWorld({ passes: sequenceNumber => sequenceNumber !== 3 });
    request(world, 20);
    const owner = startProcess(world);
    world.nowMs += 31_000;
    await owner.scorer.scoreBatch(batchOf(world, 4, 16));
    Object.assign(world, { passes: () => false, mark: { ...world.mark } });
    change(world);
    world.deadLetters.recreate(2_000);
    world.results.recreate(2_000);
    await scoreAll(world);
    expect(idsIn(world.results)).toEqual(allIds(world));
  });

  it('is left alone while its next request is young', async () => {
    const world = createWorld();
    request(world, 2);
    const { scorer } = startProcess(world);
    await scorer.scoreBatch(batchOf(world, 0, 2));
    world.nowMs += 100_000;
    request(world, 3);
    expect(await scorer.fillSilentPartitions()).toBe(0);
  });
});

describe('scoring that misbehaves', () => {
  const outcomeOf = (sequenceNumber: number, world: World) => ({
    ...renderDeadLetter(
      { hub: 'requests', partition: '0' },
      {
        event: batchOf(world, sequenceNumber, 1).events[0] as never,
        resultId: `requests/0/${sequenceNumber}`,
        model: undefined,
        modelVersion: undefined,
      },
      new Error() as never,
    ),
    kind: 'result' as const,
  });

  it('by throwing costs the one event its result, not the others theirs', async () => {
    const world = createWorld();
    request(world, 9);
    await scoreAll(world, 0, {
      async score({ events }) {
        if (events.some(event => event.sequenceNumber === 5)) throw new TypeError('a bug');
        return scored(
          events,
          events.map(event => outcomeOf(event.sequenceNumber, world)),
        );
      },
    });
    expect(idsIn(world.deadLetters)).toEqual(['requests/0/5']);
    expect(world.deadLetters.events[0]?.body.toString()).toContain('unexpected');
    expect(idsIn(world.results)).toHaveLength(8);
  });

  it('by throwing at every event leaves ten stacks a minute in the log, not one each', async () => {
    const world = createWorld();
    request(world, 40);
    await scoreAll(world, 0, {
      score: async () => {
        throw new TypeError('a bug');
      },
    });
    expect(idsIn(world.deadLetters)).toHaveLength(40);
    const told = world.said.filter(line => line.includes('failed unexpectedly'));
    expect(told).toHaveLength(10);
    expect(told[0]).toMatch(/^scoring requests\/0\/0 failed unexpectedly: TypeError: a bug\n +at /);
  });

  it('by leaving an event out is treated alike', async () => {
    const world = createWorld();
    request(world, 4);
    await scoreAll(world, 0, {
      async score({ events }) {
        const others = events.filter(event => event.sequenceNumber !== 2);
        const outcomes = others.map(event => outcomeOf(event.sequenceNumber, world));
        return outcomes.length === events.length
          ? scored(events, outcomes)
          : leavingOut(events, scored(others, outcomes));
      },
    });
    expect(idsIn(world.deadLetters)).toEqual(['requests/0/2']);
    expect(idsIn(world.results)).toHaveLength(3);
  });

  it('by being too slow gets less to do at a time; what never ends is a dead letter at last', async () => {
    const world = createWorld();
    request(world, 8);
    const { scorer } = startProcess(world, {
      deadlineMs: 40,
      clock: Date.now,
      async score({ events }, signal) {
        for (const event of events) {
          const ms = event.sequenceNumber === 6 ? 1_000 : 12;
          await new Promise((resolve, reject) => {
            const timer = setTimeout(resolve, ms);
            signal.addEventListener('abort', () => {
              clearTimeout(timer);
              reject(signal.reason);
            });
          });
        }
        return scored(
          events,
          events.map(event => outcomeOf(event.sequenceNumber, world)),
        );
      },
    });
    let tries = 0;
    const attempt = (): Promise<void> =>
      scorer.scoreBatch(batchOf(world, 0, 8)).catch(error => {
        expect(error).toBeInstanceOf(InfrastructureError);
        if (++tries > 40) throw new Error('no progress');
        return attempt();
      });
    await attempt();
    expect(tries).toBeGreaterThan(2);
    expect(idsIn(world.deadLetters)).toEqual(['requests/0/6']);
    expect(idsIn(world.results)).toEqual(allIds(world).filter(id => id !== 'requests/0/6'));
  });

  it('by the deadline is not blamed on an event whose turn came just before it', async () => {
    const world = createWorld();
    request(world, 1);
    let late = true;
    const { scorer } = startProcess(world, {
      deadlineMs: 20, // by the world's clock, which stands still: the event itself takes no time
      async score({ events }, signal) {
        if (late) await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
        return scored(
          events,
          events.map(event => outcomeOf(event.sequenceNumber, world)),
        );
      },
    });
    await expect(scorer.scoreBatch(batchOf(world, 0, 1))).rejects.toThrow('not done within');
    late = false;
    await scorer.scoreBatch(batchOf(world, 0, 1));
    expect(idsIn(world.results)).toEqual(['requests/0/0']);
  });

  it('by infrastructure that is away is not blamed on the events', async () => {
    const world = createWorld();
    request(world, 4);
    const away = () => Promise.reject(new InfrastructureError('storage is away'));
    await expect(scoreAll(world, 0, { score: away })).rejects.toThrow('storage is away');
    expect(world.deadLetters.events).toEqual([]);
    await scoreAll(world);
    expect(idsIn(world.results)).toEqual(allIds(world));
  });
});
