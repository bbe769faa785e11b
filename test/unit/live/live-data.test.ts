import { describe, expect, it } from 'vitest';
import { InfrastructureError } from '../../../src/core/errors.ts';
import { createLastDay } from '../../../src/live/last-day.ts';
import { createLiveData, type LiveDataOptions } from '../../../src/live/live-data.ts';
import type { Settled } from '../../../src/sweep/fold.ts';
import { readJoined } from '../../../src/sweep/labels/label-join.ts';
import { readStates } from '../../../src/sweep/read-counts.ts';
import { createSweep } from '../../../src/sweep/sweep.ts';
import { lastTurnAt, SWEEP_TURN } from '../../../src/sweep/turn.ts';
import { letterEvent, NINE, resultEvent } from '../../support/endings.ts';
import { memoryBlobs } from '../../support/memory-blobs.ts';
import { MemoryHub, memoryReader } from '../../support/memory-hub.ts';
import { documentOf } from '../../support/swept-counts.ts';

const HOUR = 3_600_000;
const QUIET = { info() {}, warn() {}, error() {} };
const NAMES = { requests: 'inference-requests', results: 'results', deadLetters: 'dead-letters' };

/** Hubs, a sweep and the page's data, by a clock that is set. */
function world(more: Partial<LiveDataOptions> = {}) {
  const hubs = {
    requests: new MemoryHub(NAMES.requests),
    results: new MemoryHub(NAMES.results),
    deadLetters: new MemoryHub(NAMES.deadLetters),
    labels: new MemoryHub('labels'),
  };
  const blobs = memoryBlobs();
  const now = { ms: NINE + 1_000 };
  const clock = () => now.ms;
  let sweeps = 0;
  const reader = (hub: MemoryHub) => memoryReader(hub, () => {});
  const sweep = createSweep({
    hubs: { results: reader(hubs.results), deadLetters: reader(hubs.deadLetters), labels: reader(hubs.labels) },
    ...{ blobs, holder: 'here', labelWindowMs: HOUR, windowsKeptMs: 90 * 24 * HOUR, clock, log: QUIET },
    weights: async () => () => 5,
  });
  const look = createLiveData({
    hubs: NAMES,
    async sweep() {
      sweeps++;
      return (await sweep.run(AbortSignal.timeout(10_000)))?.behind;
    },
    sweptAt: signal => lastTurnAt(blobs, SWEEP_TURN, signal),
    states: signal => readStates(blobs, [NAMES.results, NAMES.deadLetters], signal),
    lastDay: createLastDay(blobs),
    labels: signal => readJoined(blobs, signal),
    requests: reader(hubs.requests),
    documents: async () => new Map(),
    lastChange: async () => undefined,
    models: async () => [],
    jobs: async () => [],
    drift: async () => [],
    breakers: () => ({}),
    clock,
    ...more,
  });
  let asked = 0;
  const ask = (many: number) => {
    for (let i = 0; i < many; i++)
      hubs.requests.append(
        { body: Buffer.from('{}'), messageId: `r${asked++}`, correlationId: undefined, properties: {} },
        now.ms,
      );
  };
  return {
    ...{ hubs, blobs, now, ask, look },
    sweeps: () => sweeps,
    async data() {
      const { text, etag, asOfMs } = await look();
      return { ...JSON.parse(text), etag, asOfMs };
    },
  };
}

describe('the live page’s data', () => {
  it('equals what the hubs hold, open hours and closed ones', async () => {
    const { hubs, now, ask, data } = world();
    ask(8);
    for (let n = 0; n < 3; n++) hubs.results.append(resultEvent({ sequenceNumber: n, enqueuedAtMs: now.ms }), now.ms);
    hubs.deadLetters.append(letterEvent({ sequenceNumber: 3, code: 'schema_mismatch', requestId: '<b>' }), now.ms);
    expect(await data()).toMatchObject({
      models: [{ name: 'churn', version: '1.1.0', requests: 4, results: 3, dead_letters: 1, latency: { p50_ms: 11 } }],
      dead_letters: [{ code: 'schema_mismatch', count: 1 }],
      partitions: [{ id: '0', backlog: 4, last: 7 }],
      last_dead_letters: [{ request_id: '<b>', error: { code: 'schema_mismatch' } }],
      asOfMs: NINE + 1_000,
    });
    now.ms += 2 * HOUR; // the first hour is over, and its window in a blob of its own
    hubs.results.append(resultEvent({ sequenceNumber: 4, enqueuedAtMs: now.ms, model: 'topic' }), now.ms);
    const later = await data();
    expect(later.models.map((each: Record<string, unknown>) => [each.name, each.results])).toEqual([
      ['churn', 3],
      ['topic', 1],
    ]);
    expect(later.rates.endings.map((each: Record<string, unknown>) => each.name)).toEqual(['topic']);
    expect(later.last_results.map((each: Record<string, unknown>) => each.model)).toEqual([
      'topic',
      'churn',
      'churn',
      'churn',
    ]);
    now.ms += 25 * HOUR;
    hubs.results.append(resultEvent({ sequenceNumber: 5, enqueuedAtMs: now.ms }), now.ms);
    expect((await data()).models).toMatchObject([{ name: 'churn', results: 1 }]); // what is older than a day is left out
  });

  it('reads a closed hour once, and looks again for one that a sweep may yet come to', async () => {
    const { hubs, blobs, now, data } = world();
    hubs.results.append(resultEvent({ sequenceNumber: 0, enqueuedAtMs: now.ms }), now.ms);
    await data();
    now.ms += 3 * HOUR;
    hubs.results.append(resultEvent({ sequenceNumber: 1, enqueuedAtMs: now.ms }), now.ms);
    expect((await data()).models[0].results).toBe(2);
    for (const { path } of await blobs.list('windows/', AbortSignal.timeout(1_000))) blobs.remove(path);
    now.ms += 2 * HOUR;
    // One sweep that comes to two hours: the older of them was never seen open.
    hubs.results.append(resultEvent({ sequenceNumber: 2, enqueuedAtMs: now.ms - HOUR }), now.ms - HOUR);
    hubs.results.append(resultEvent({ sequenceNumber: 3, enqueuedAtMs: now.ms }), now.ms);
    expect((await data()).models[0].results).toBe(4);
  });

  it('is the same text under the same ETag until something happens, and sweeps when it is older than 2 s', async () => {
    const { hubs, now, data, sweeps } = world();
    const first = await data();
    expect(sweeps()).toBe(1);
    now.ms += 1_500;
    expect((await data()).etag).toBe(first.etag);
    expect(sweeps()).toBe(1);
    now.ms += 1_500;
    const idle = await data();
    expect([idle.etag, idle.asOfMs, sweeps()]).toEqual([first.etag, now.ms, 2]);
    hubs.results.append(resultEvent({ sequenceNumber: 0 }), now.ms);
    now.ms += 2_500;
    expect((await data()).etag).not.toBe(first.etag);
  });

  it('takes one look for all who ask at once', async () => {
    const { look, sweeps } = world();
    const [one, other] = await Promise.all([look(), look()]);
    expect(one).toBe(other);
    expect(sweeps()).toBe(1);
  });

  it('shows what was counted before, and says what cannot be seen, where the hubs are away', async () => {
    const away = async () => Promise.reject(new InfrastructureError('the hubs are away'));
    const reader = { ...memoryReader(new MemoryHub('inference-requests'), () => {}), describe: away };
    const { hubs, now, data } = world({ requests: reader });
    hubs.results.append(resultEvent({ sequenceNumber: 0 }), now.ms);
    expect(await data()).toMatchObject({ models: [{ results: 1 }], problems: [{ what: 'backlog' }] });
    const shown = await world({ sweep: away, requests: reader }).data();
    expect(shown.problems).toEqual([
      { what: 'backlog', message: 'the hubs are away' },
      { what: 'counting', message: 'the hubs are away' },
    ]);
    expect(shown.asOfMs).toBeUndefined();
  });

  it('throws without the sweep’s own blobs, and is there again with them', async () => {
    const { blobs, data } = world();
    blobs.away = true;
    await expect(data()).rejects.toThrow('storage is away');
    blobs.away = false;
    expect(await data()).toMatchObject({ models: [], problems: [] });
  });

  it('does not wait for a sweep that has much to do', async () => {
    const { look } = world({ sweep: () => new Promise(() => {}) });
    expect(JSON.parse((await look()).text)).toMatchObject({ models: [], problems: [] });
  });

  it('shows rollouts with their evidence, and who changed a model', async () => {
    const record = { revision: 42, at: '2026-11-21T09:00:00.000Z', actor: 'maria', action: 'rollout start' };
    let asked = 0;
    const { now, data } = world({
      documents: async () => new Map([['churn', documentOf()]]),
      models: async () => [
        { name: 'churn', versions: ['1.1.0', '1.2.0'], aliases: {}, production: '1.1.0', loaded: [] },
      ],
      async lastChange() {
        asked++;
        return { ...record, from: null, to: null, document_sha256: '', previous_sha256: null };
      },
    });
    await data();
    now.ms += 5_000;
    expect(await data()).toMatchObject({
      catalog: [{ name: 'churn', changed: { at: record.at, by: 'maria', action: 'rollout start', revision: 42 } }],
      rollouts: [
        {
          model: 'churn',
          verdict: 'undecided',
          rollout: { id: 'ro_1' },
          triggers: [{ threshold: Math.log(80) }, {}, {}, {}],
        },
      ],
    });
    expect(asked).toBe(1); // once a revision
  });
});

describe('the backlog', () => {
  const settled = (log: number, through: number): Settled => ({ log, through });
  it.each([
    ['nothing ever ended', [], 10],
    ['results and dead letters each say how far', [settled(1_000, 5), settled(1_000, 3)], 4],
    ['a hub of before by that name', [settled(900, 7)], 10],
    ['what came and ended since the look', [settled(1_000, 12)], 0],
  ])('counts what is not settled: %s', async (_, marks, expected) => {
    const { ask, hubs, now, data } = world();
    ask(10);
    marks.forEach(({ log, through }, i) => {
      const ending = resultEvent({ sequenceNumber: i });
      const properties = { ...ending.properties, source_log: log, settled_through: through };
      hubs[i === 0 ? 'results' : 'deadLetters'].append({ ...ending, properties }, now.ms);
    });
    expect((await data()).partitions).toEqual([{ id: '0', backlog: expected, last: 9 }]);
  });
});
