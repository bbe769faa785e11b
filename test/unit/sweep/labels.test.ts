import { describe, expect, it } from 'vitest';
import type { StoredEvent } from '../../../src/core/hub-reader.ts';
import { LabelJoiner } from '../../../src/sweep/labels/join.ts';
import { readJoined } from '../../../src/sweep/labels/label-join.ts';
import { predictionLine } from '../../../src/sweep/labels/prediction.ts';
import type { Joined } from '../../../src/sweep/labels/tally.ts';
import { createSweep, type SweepOptions } from '../../../src/sweep/sweep.ts';
import { appendEndings, NINE, type ResultParts, resultEvent } from '../../support/endings.ts';
import { memoryBlobs } from '../../support/memory-blobs.ts';
import { MemoryHub, memoryReader } from '../../support/memory-hub.ts';
import { createRandom } from '../../support/seeded-random.ts';

const never = new AbortController().signal;
const DAY = 86_400_000;
const CANARY = { rollout: 'ro_1', variant: 'candidate', version: '1.2.0', bucket: 7 } as const;
const PRODUCTION = { rollout: 'ro_1', variant: 'production', version: '1.1.0', bucket: 9_000 } as const;

function world() {
  const hubs = {
    results: new MemoryHub('results'),
    letters: new MemoryHub('letters'),
    labels: new MemoryHub('labels'),
  };
  const blobs = memoryBlobs();
  let nowMs = NINE;
  const said: string[] = [];
  const log = {
    info() {},
    warn: (line: string) => void said.push(line),
    error: (line: string) => void said.push(line),
  };
  let alive = () => {};
  const readers = () => ({
    results: memoryReader(hubs.results, () => alive()),
    deadLetters: memoryReader(hubs.letters, () => alive()),
    labels: memoryReader(hubs.labels, () => alive()),
  });
  const read: string[] = [];
  const watched = {
    ...blobs,
    readText: (path: string, ...rest: [AbortSignal, number?]) => {
      read.push(path);
      return blobs.readText(path, ...rest);
    },
  };
  const more = {
    blobs: watched,
    labelWindowMs: 7 * DAY,
    windowsKeptMs: 90 * DAY,
    clock: () => nowMs,
    log,
    weights: async () => () => 5,
  };
  let sweeps = 0;
  return {
    hubs,
    blobs,
    said,
    /** Predictions read, and forgotten by that. */
    predictionsRead: () => read.splice(0).filter(path => path.startsWith('predictions/')),
    advance: (ms: number) => {
      nowMs += ms;
    },
    dieAt(step: () => void) {
      alive = step;
    },
    results: (...list: readonly ResultParts[]) => appendEndings(hubs.results, list.map(resultEvent), nowMs),
    label: (...labels: readonly unknown[]) => {
      for (const label of labels)
        hubs.labels.append({ body: Buffer.from(JSON.stringify(label)), messageId: undefined, properties: {} }, nowMs);
    },
    /** By an instance that was never there before, a turn later. */
    async sweep(options: Partial<SweepOptions> = {}) {
      nowMs += 10_001;
      return createSweep({ hubs: readers(), holder: `h${sweeps++}`, ...more, ...options }).run(never);
    },
    /** One that stays. */
    instance() {
      const instance = createSweep({ hubs: readers(), holder: `h${sweeps++}`, ...more });
      return async () => {
        nowMs += 10_001;
        return instance.run(never);
      };
    },
    joined: () => readJoined(blobs, never),
  };
}

describe('labels', () => {
  it('are held against what either arm answered, by request or by result', async () => {
    const { results, label, sweep, joined } = world();
    results(
      { sequenceNumber: 1, ...CANARY, requestId: 'a', prediction: 1 },
      { sequenceNumber: 2, ...CANARY, requestId: 'b', prediction: 0 },
      { sequenceNumber: 3, ...PRODUCTION, requestId: 'c', prediction: 'Ja' },
      { sequenceNumber: 4, requestId: 'd', prediction: 1 },
    );
    label(
      { request_id: 'a', label: true },
      { result_id: 'inference-requests/0/2', label: 1 },
      { request_id: 'c', label: 'Ja' },
    );
    await sweep();
    const { joined: by, waiting, unmatched } = await joined();
    expect(by.ro_1?.candidate).toMatchObject({ labels: 2, right: 1 });
    expect(by.ro_1?.production).toMatchObject({ labels: 1, right: 1 });
    expect([waiting, unmatched]).toEqual([0, 0]);
  });

  it('that come later correct earlier ones, and may come before their request is counted', async () => {
    const { results, label, sweep, joined } = world();
    label({ request_id: 'a', label: 0 });
    await sweep();
    expect((await joined()).waiting).toBe(1);
    results({ sequenceNumber: 1, ...CANARY, requestId: 'a', prediction: 1 });
    await sweep();
    expect((await joined()).joined.ro_1?.candidate).toMatchObject({ labels: 1, right: 0 });
    label({ request_id: 'a', label: 1 });
    await sweep();
    expect(await joined()).toMatchObject({ waiting: 0, joined: { ro_1: { candidate: { labels: 1, right: 1 } } } });
  });

  it('of a request that several models answered name theirs; else the newest answer is meant', async () => {
    const { results, label, sweep, joined } = world();
    results(
      { sequenceNumber: 1, ...CANARY, requestId: 7 as unknown as string, prediction: 1, enqueuedAtMs: NINE },
      { sequenceNumber: 2, ...PRODUCTION, requestId: 7 as unknown as string, prediction: 0, enqueuedAtMs: NINE + 5 },
      { sequenceNumber: 3, ...CANARY, rollout: 'ro_9', model: 'fraud', requestId: 'x', prediction: 1 },
      { sequenceNumber: 4, ...CANARY, requestId: 'x', prediction: 0 },
    );
    label({ request_id: 7, label: 0 }, { request_id: 'x', model: 'fraud', label: 1 });
    await sweep();
    expect((await joined()).joined).toMatchObject({
      ro_1: { production: { labels: 1, right: 1 } },
      ro_9: { candidate: { labels: 1, right: 1 } },
    });
    expect((await joined()).joined.ro_1?.candidate).toBeUndefined();
  });

  it('of a pack name the row', async () => {
    const { results, label, sweep, joined } = world();
    const predictions = [{ id: 'r1', prediction: 1 }, null, { id: 'r3', prediction: 0 }];
    results({ sequenceNumber: 1, ...CANARY, requestId: 'p', predictions, errors: [] });
    label(
      { request_id: 'p', id: 'r1', label: 1 },
      { request_id: 'p', id: 'r3', label: 1 },
      { request_id: 'p', id: 'r2', label: 1 },
    );
    await sweep();
    expect(await joined()).toMatchObject({ waiting: 1, joined: { ro_1: { candidate: { labels: 2, right: 1 } } } });
  });

  it('of a regressor leave the errors, too', async () => {
    const { results, label, sweep, joined } = world();
    results(
      { sequenceNumber: 1, ...CANARY, requestId: 'a', prediction: 10.5 },
      { sequenceNumber: 2, ...CANARY, requestId: 'b', prediction: 8 },
    );
    label({ request_id: 'a', label: 10 }, { request_id: 'b', label: 10 });
    await sweep();
    expect((await joined()).joined.ro_1?.candidate?.errors).toEqual({ count: 2, sum: 2.5, squares: 4.25 });
  });

  it('that nothing is found for wait for seven days, then count as unmatched, once; what is over is taken away', async () => {
    const { results, label, sweep, joined, advance, blobs } = world();
    results({ sequenceNumber: 1, ...CANARY, requestId: 'a', prediction: 1 });
    label({ request_id: 'nobody', label: 1 }, { request_id: 'a', label: 1 });
    await sweep();
    expect(await joined()).toMatchObject({ waiting: 1, unmatched: 0 });
    advance(7 * DAY);
    label({ request_id: 'nobody', model: 'churn', label: 1 });
    await sweep();
    expect(await joined()).toMatchObject({ waiting: 2, unmatched: 0 });
    advance(2 * 3_600_000);
    await sweep();
    expect(await joined()).toMatchObject({ waiting: 1, unmatched: 1 });
    await sweep();
    expect(await joined()).toMatchObject({ unmatched: 1 });
    expect(await blobs.list('labels/', never)).toHaveLength(1);
    expect(await blobs.list('predictions/', never)).toHaveLength(1); // a label of its window’s last hour is corrected for as long again
    advance(7 * DAY);
    await sweep();
    expect(await blobs.list('predictions/', never)).toEqual([]);
    expect(await joined()).toMatchObject({ unmatched: 2, joined: { ro_1: { candidate: { labels: 1, right: 1 } } } });
  });

  it('of requests outside any rollout count for production by the hour, and are not unmatched', async () => {
    const { results, label, sweep, joined, advance } = world();
    const plain = { version: '1.1.0', variant: undefined, rollout: undefined };
    results(
      { sequenceNumber: 1, ...plain, requestId: 'a', prediction: 1 },
      { sequenceNumber: 2, ...plain, requestId: 'b', prediction: 0 },
      { sequenceNumber: 3, ...plain, requestId: 'c', prediction: 0, enqueuedAtMs: NINE - 7_200_000 },
      { sequenceNumber: 4, ...PRODUCTION, requestId: 'd', prediction: 1 },
      { sequenceNumber: 5, ...CANARY, requestId: 'e', prediction: 1 },
      { sequenceNumber: 6, ...plain, requestId: 'f', prediction: 1 },
    );
    for (const id of 'abcde') label({ request_id: id, label: 1 });
    await sweep();
    const stored = await joined();
    expect([stored.waiting, stored.unmatched]).toEqual([0, 0]);
    const hour = (each: object) => expect.objectContaining({ model: 'churn', version: '1.1.0', ...each });
    const hours = stored.production ?? [];
    expect(hours).toHaveLength(2);
    expect(hours).toContainEqual(hour({ hourMs: NINE, labels: 3, right: 2, answers: 4 }));
    expect(hours).toContainEqual(hour({ hourMs: NINE - 7_200_000, labels: 1, right: 0, answers: 1 }));
    advance(8 * DAY);
    for (let i = 0; i < 2; i++) {
      advance(3_600_000);
      await sweep();
    }
    expect(await joined()).toMatchObject({ waiting: 0, unmatched: 0, production: [] });
  });

  it('are counted for good when they were waited for, however long the rollout runs', async () => {
    const { results, label, sweep, joined, advance } = world();
    const weeks = 5;
    for (let week = 0; week < weeks; week++) {
      results({ sequenceNumber: week, ...CANARY, requestId: `w${week}`, prediction: 1 });
      label({ request_id: `w${week}`, label: week === 2 ? 0 : 1 });
      await sweep();
      advance(6.9 * DAY);
      await sweep();
    }
    expect((await joined()).joined.ro_1?.candidate).toMatchObject({ labels: weeks, right: weeks - 1 });
  });

  it('come to the same by whoever remembers, whoever begins anew, and after deaths at any step', async () => {
    const random = createRandom(23);
    const { results, label, sweep, instance, joined, advance, dieAt } = world();
    const remembering = instance();
    /** By id: its arm, its answer, and its label once there is one. */
    const truth = new Map<string, { right: boolean | undefined; arm: 'candidate' | 'production' }>();
    for (let step = 0; step < 60; step++) {
      for (let i = 0; i < 5; i++) {
        const isCanary = random.next() < 0.5;
        const id = `s${step}-${i}`;
        results({ sequenceNumber: step * 5 + i, ...(isCanary ? CANARY : PRODUCTION), requestId: id, prediction: 1 });
        truth.set(id, { right: undefined, arm: isCanary ? 'candidate' : 'production' });
      }
      for (const [id, known] of truth) {
        if (random.next() > 0.1) continue;
        known.right = random.next() < 0.7;
        label({ request_id: id, label: known.right ? 1 : 0 });
      }
      if (random.next() < 0.3) {
        let left = random.below(12);
        dieAt(() => {
          if (left-- === 0) throw new Error('died');
        });
        await sweep().catch(() => {});
        dieAt(() => {});
      } else if (random.next() < 0.7) await remembering();
      else await sweep();
      advance(random.below(40) * 60_000);
    }
    advance(3_600_000);
    await remembering();
    const right = (arm: string) => [...truth.values()].filter(each => each.arm === arm && each.right !== undefined);
    const expected = (arm: string) => ({
      labels: right(arm).length,
      right: right(arm).filter(each => each.right).length,
    });
    for (const again of [remembering, sweep]) {
      advance(3_600_000);
      await again();
      const { joined: by, waiting, unmatched } = await joined();
      expect(by.ro_1).toMatchObject({ candidate: expected('candidate'), production: expected('production') });
      expect([waiting, unmatched]).toEqual([0, 0]);
    }
  });

  it('that are new are looked for in the chunks that have their requests alone', async () => {
    const { results, label, instance, joined, advance, predictionsRead } = world();
    const sweep = instance();
    for (let hour = 0; hour < 40; hour++) {
      const of = (i: number) => ({
        sequenceNumber: hour * 10 + i,
        ...CANARY,
        requestId: `${hour}-${i}`,
        prediction: 1,
      });
      results(...Array.from({ length: 10 }, (_, i) => of(i)));
      label({ request_id: `${hour}-0`, label: 1 });
      await sweep();
      advance(3_600_000);
    }
    advance(3 * 3_600_000);
    await sweep();
    label({ request_id: '7-3', label: 1 }, { request_id: '30-4', label: 0 });
    predictionsRead();
    await sweep();
    expect(predictionsRead()).toHaveLength(2);
    expect((await joined()).joined.ro_1?.candidate).toMatchObject({ labels: 42, right: 41 });
  });

  it('that are too many for memory count for good the earlier, the oldest first', async () => {
    const { results, label, sweep, blobs, advance } = world();
    for (let i = 0; i < 40; i++) {
      results({ sequenceNumber: i, ...(i % 2 ? CANARY : PRODUCTION), requestId: `q${i}`, prediction: 1 });
      label({ request_id: `q${i}`, label: i % 4 === 0 ? 0 : 1 }, { request_id: `nobody${i}`, label: 1 });
      if (i % 4 === 3) await sweep();
      advance(30 * 60_000);
    }
    const clock = () => NINE + DAY;
    const joiner = new LabelJoiner({ blobs, windowMs: 7 * DAY, clock, labelsAtOnce: 20 });
    let [settled, unmatched, rounds]: [Joined, number, number] = [{}, 0, 0];
    for (let over = 1; over > 0; rounds++) {
      const said = await joiner.join({ settled, unmatched, untilMs: Number.POSITIVE_INFINITY }, never);
      if (said === undefined) throw new Error('there was time');
      [settled, unmatched, over] = [said.settled, said.unmatched, said.over.length];
      for (const { path } of said.over) blobs.remove(path);
      if (over > 0) continue;
      expect(said.joined.ro_1).toMatchObject({
        candidate: { labels: 20, right: 20 },
        production: { labels: 20, right: 10 },
      });
      expect(said.waiting + said.unmatched).toBe(40);
    }
    expect(rounds).toBeGreaterThan(3);
  });

  it('are joined by and by where there is no time for all', async () => {
    const { results, label, sweep, blobs, advance } = world();
    for (let i = 0; i < 10; i++) {
      results({ sequenceNumber: i, ...CANARY, requestId: `q${i}`, prediction: 1 });
      label({ request_id: `q${i}`, label: 1 });
      await sweep();
      advance(3_600_000);
    }
    let nowMs = NINE + DAY;
    const joiner = new LabelJoiner({ blobs, windowMs: 7 * DAY, clock: () => nowMs++ });
    const options = { settled: {}, unmatched: 0 };
    let rounds = 0;
    let said: Awaited<ReturnType<LabelJoiner['join']>>;
    while (said === undefined && rounds++ < 50) said = await joiner.join({ ...options, untilMs: nowMs + 4 }, never);
    expect(rounds).toBeGreaterThan(2);
    expect(said?.joined.ro_1?.candidate).toMatchObject({ labels: 10, right: 10 });
  });

  it('hold up nothing where they cannot be joined', async () => {
    const { results, label, sweep, blobs, said, joined } = world();
    results({ sequenceNumber: 1, ...CANARY, requestId: 'a', prediction: 1 });
    label({ request_id: 'a', label: 1 });
    blobs.faults.set('labels-joined.json', new Error('archived'));
    expect((await sweep())?.counted).toBe(2);
    expect(said).toEqual(['labels are not joined: archived']);
    blobs.faults.clear();
    await sweep();
    expect((await joined()).joined.ro_1?.candidate).toMatchObject({ labels: 1 });
  });

  it('are left as a newer app counted them', async () => {
    const { results, label, sweep, blobs } = world();
    blobs.put('labels-joined.json', { schema: 99 });
    results({ sequenceNumber: 1, ...CANARY, requestId: 'a', prediction: 1 });
    label({ request_id: 'a', label: 1 });
    expect((await sweep())?.counted).toBe(2);
    expect(JSON.parse((await blobs.readText('labels-joined.json', never)).text)).toEqual({ schema: 99 });
  });

  it('are not read where there are none: predictions lie there unread', async () => {
    const { results, sweep, blobs, predictionsRead } = world();
    results({ sequenceNumber: 1, ...CANARY, requestId: 'a', prediction: 1 });
    await sweep();
    expect(await blobs.list('predictions/', never)).toHaveLength(1);
    expect(predictionsRead()).toEqual([]);
  });

  it('come to the same with hours put together, and with a sweep that died before it kept its cursor', async () => {
    const { results, label, sweep, joined, advance, blobs, dieAt } = world();
    for (let i = 0; i < 40; i++) {
      results({ sequenceNumber: i, ...(i % 2 ? CANARY : PRODUCTION), requestId: `q${i}`, prediction: 1 });
      label({ request_id: `q${i}`, label: i % 4 === 0 ? 0 : 1 });
      if (i % 3 === 0) {
        let left = i % 7;
        dieAt(() => {
          if (left-- === 0) throw new Error('died');
        });
        await sweep().catch(() => {});
        dieAt(() => {});
      } else await sweep();
      advance(15 * 60_000);
    }
    advance(3 * 3_600_000);
    await sweep();
    expect((await joined()).joined.ro_1).toMatchObject({
      candidate: { labels: 20, right: 20 },
      production: { labels: 20, right: 10 },
    });
    expect((await blobs.list('predictions/', never)).length).toBeLessThanOrEqual(12);
  });

  it('that cannot be read are passed over, and a list of them is several', async () => {
    const { hubs, results, label, sweep, joined, said } = world();
    hubs.labels.append({ body: Buffer.from('{'), messageId: undefined, properties: {} }, NINE);
    label({ label: 1 }, [{ request_id: 'a', label: 1 }]);
    results({ sequenceNumber: 1, ...CANARY, requestId: 'a', prediction: 1 });
    await sweep();
    expect((await joined()).joined.ro_1?.candidate).toMatchObject({ labels: 1, right: 1 });
    expect(said).toEqual([]);
  });
});

describe('a line of a prediction', () => {
  const group = { model: 'churn', version: '1.2.0', variant: 'candidate', rollout: 'ro_1', weight: 5 };
  it.each([
    ['a', 1],
    ['ä"\\', 'Ja'],
    ['plain ü', 'Größe, "groß"'],
    [17, -0.25],
    ['x', true],
    ['{"result_id":"', [1, 2]],
    [',"prediction":3,"confidence":', 'b'],
  ])('says the same as the result: %j, %j', (requestId, prediction) => {
    const { hubs, results } = world();
    results({ sequenceNumber: 3, ...CANARY, requestId: requestId as string, prediction });
    const line = predictionLine(hubs.results.events[0] as StoredEvent, group, NINE) as string;
    const request = `q${JSON.stringify(requestId)}`;
    const about = { model: 'churn', version: '1.2.0', rollout: 'ro_1', variant: 'candidate', atMs: NINE };
    expect(JSON.parse(line)).toEqual({ request, resultId: 'inference-requests/0/3', ...about, prediction });
  });
});

describe('a turn', () => {
  it('is one instance’s for ten seconds', async () => {
    const { results, sweep, advance } = world();
    results({ sequenceNumber: 1, ...CANARY });
    expect((await sweep({ holder: 'one' }))?.counted).toBe(1);
    advance(-10_000);
    expect(await sweep({ holder: 'two' })).toBeUndefined();
    advance(-10_000);
    expect((await sweep({ holder: 'one' }))?.counted).toBe(0);
  });

  it('takes away windows that are older than they are kept', async () => {
    const { sweep, blobs } = world();
    const path = (size: string, atMs: number) => `windows/results/0/${size}/${new Date(atMs).toISOString()}.json`;
    for (const days of [1, 89, 91]) blobs.put(path('24h', NINE - days * DAY), {});
    await sweep();
    const left = (await blobs.list('windows/', never)).map(each => each.path);
    expect(left).toEqual([path('24h', NINE - 89 * DAY), path('24h', NINE - DAY)]);
  });

  it('is nobody’s while a newer app counts', async () => {
    const { results, sweep, blobs, said } = world();
    blobs.put('state/results/0.json', { schema: 99 });
    results({ sequenceNumber: 1, ...CANARY });
    expect(await sweep()).toBeUndefined();
    expect(said[0]).toContain('is of a newer hubscore');
    expect(JSON.parse((await blobs.readText('state/results/0.json', never)).text)).toEqual({ schema: 99 });
  });
});
