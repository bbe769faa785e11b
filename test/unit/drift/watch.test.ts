import { describe, expect, it } from 'vitest';
import type { Blobs } from '../../../src/core/blobs.ts';
import { readDrift } from '../../../src/drift/read-drift.ts';
import type { DriftReport } from '../../../src/drift/report.ts';
import { createDriftWatch, type DriftWatchOptions } from '../../../src/drift/watch.ts';
import { sweepPartition } from '../../../src/sweep/sweep-partition.ts';
import { ask, customer, trainedOn, watching } from '../../support/drift.ts';
import { appendEndings, letterEvent, resultEvent } from '../../support/endings.ts';
import { memoryBlobs } from '../../support/memory-blobs.ts';
import { MemoryHub, memoryReader } from '../../support/memory-hub.ts';
import { createRandom, type SeededRandom } from '../../support/seeded-random.ts';

const never = new AbortController().signal;
const HOUR = 3_600_000;
const START = Date.parse('2026-11-20T08:00:00Z');
const silent = { info() {}, warn() {}, error() {} };

class Killed extends Error {}

function world(random: SeededRandom) {
  const hub = new MemoryHub('requests');
  const blobs = memoryBlobs();
  const models = watching(trainedOn(random));
  const time = { nowMs: START };
  const watch = (more: Partial<DriftWatchOptions> = {}) =>
    createDriftWatch({
      requests: memoryReader(hub, () => {}),
      endings: ['results', 'letters'],
      blobs,
      models: async () => models,
      sample: 100,
      clock: () => time.nowMs,
      log: silent,
      ...more,
    });
  /** Asks so many rows within an hour, in requests of all forms, and lets the hour end. */
  async function hour(rows: number, moved = 0): Promise<readonly DriftReport[]> {
    for (let asked = 0; asked < rows; ) {
      const left = rows - asked;
      const atMs = time.nowMs + Math.floor((asked / rows) * 0.9 * HOUR);
      const [tenure, contract] = customer(random, moved);
      const pack = Array.from({ length: Math.min(left, 1 + random.below(20)) }, () => customer(random, moved));
      const ids = pack.map((_, i) => i);
      const columns = { tenure: pack.map(([number]) => number), Contract: pack.map(([, text]) => text) };
      const forms = [
        [{ features: [tenure, contract] }, 1],
        [{ features: { tenure: String(tenure), Contract: contract } }, 1],
        [{ features: pack }, pack.length],
        [{ model: 'churn', model_version: '1.0.0', ids, features: columns }, pack.length],
      ] as const;
      const [request, many] = random.pick(forms);
      ask(hub, request, atMs);
      asked += many;
    }
    await run();
    time.nowMs += HOUR + 180_000;
    const closed = await run();
    time.nowMs = Math.floor(time.nowMs / HOUR) * HOUR;
    return closed;
  }
  async function run() {
    time.nowMs += 1_000;
    return (await watch().run(never))?.closed ?? [];
  }
  return { hub, blobs, models, time, watch, hour, run };
}

const alarmsOf = (reports: readonly DriftReport[]) =>
  reports.flatMap(({ features }) => features.filter(({ status }) => status === 'alarm').map(({ name }) => name));

describe('watching requests', () => {
  it('counts every row of lists, objects, packs and tables, and raises an alarm of what has moved for two windows', async () => {
    const { hour, blobs } = world(createRandom(7));
    await hour(5); // the hour in which it began
    const windows = [await hour(2_000), await hour(2_000), await hour(2_000, 0.5), await hour(2_000, 0.5)];
    expect(windows.map(reports => reports.map(({ size, rows }) => [size, rows]))).toEqual([
      [['1h', 2_005]], // five rows are no window
      [['1h', 2_000]],
      [['1h', 2_000]],
      [['1h', 2_000]],
    ]);
    expect(windows.map(reports => reports[0]?.status)).toEqual(['ok', 'ok', 'warning', 'alarm']);
    expect(alarmsOf(windows[3] ?? [])).toEqual(['tenure']);
    const [latest, ...others] = await readDrift(blobs, never);
    expect(others).toEqual([]);
    expect(latest).toMatchObject({ model: 'churn', version: '1.0.0', size: '1h', status: 'alarm', rows: 2_000 });
    const kept = (await blobs.list('windows/drift/churn/1.0.0/1h/', never)).map(({ path }) => path.slice(-29, -5));
    expect(kept).toEqual(['08', '10', '11', '12'].map(at => `2026-11-20T${at}:00:00.000Z`));
  });

  it('has no alarm any more of a version that nobody asks', async () => {
    const { hour, time, watch } = world(createRandom(13));
    await hour(1_000);
    for (let i = 0; i < 2; i++) await hour(1_000, 1);
    const alarms = async () =>
      (await watch().run(never))?.latest.filter(({ status }) => status === 'alarm').map(({ size }) => size);
    time.nowMs += 60_000;
    expect(await alarms()).toEqual(['1h']);
    time.nowMs += 27 * HOUR;
    expect((await watch().run(never))?.latest.map(({ size }) => size)).toEqual(['24h']);
    time.nowMs += 60 * HOUR;
    expect((await watch().run(never))?.latest).toEqual([]);
  });

  it('closes a day, too, and one that was quiet as one window of up to 24 hours', async () => {
    const { hour, time, run } = world(createRandom(8));
    await hour(30);
    await hour(30);
    const closed: DriftReport[] = [];
    for (let i = 0; i < 30; i++) {
      time.nowMs += HOUR;
      closed.push(...(await run()));
    }
    expect(closed.map(({ size, rows, fromMs, toMs }) => [size, rows, fromMs, toMs])).toEqual([
      ['24h', 60, Date.parse('2026-11-20T00:00:00Z'), Date.parse('2026-11-21T00:00:00Z')],
      ['1h', 60, START, START + 24 * HOUR],
    ]);
  });

  it('reads the same share of requests whoever reads them, and nothing where no version has a profile', async () => {
    const counted = async () => {
      const { hub, watch, blobs, time, models } = world(createRandom(9));
      for (let i = 0; i < 1_000; i++) ask(hub, { features: customer(createRandom(i)) }, time.nowMs + i);
      await watch({ models: async () => ({ ...models, versions: [] }) }).run(never);
      expect(await blobs.list('', never)).toEqual([]);
      time.nowMs += 2_000;
      expect((await watch({ sample: 25 }).run(never))?.counted).toBe(1_000);
      return (await blobs.readText('drift/state/requests/0.json', never)).text;
    };
    const [one, other] = [await counted(), await counted()];
    expect(one).toBe(other);
    const { rows } = JSON.parse(one).open[0].versions[0].counts;
    expect(rows).toBeGreaterThan(200);
    expect(rows).toBeLessThan(300);
  });

  it('begins with the hour it begins in, and passes over what it cannot keep up with, saying how much', async () => {
    const { hub, watch, blobs, time } = world(createRandom(10));
    for (let i = 0; i < 50; i++) ask(hub, { features: [i, 'One year'] }, START - HOUR + i);
    for (let i = 0; i < 7; i++) ask(hub, { features: [i, 'One year'] }, START + i);
    time.nowMs = START + 10_000;
    expect((await watch().run(never))?.counted).toBe(7);
    hub.next += 150_000;
    for (let i = 0; i < 10; i++) ask(hub, { features: [i, 'One year'] }, START + 20_000 + i);
    time.nowMs += 20_000;
    await watch().run(never);
    const { lost, cursor } = JSON.parse((await blobs.readText('drift/state/requests/0.json', never)).text);
    expect([lost, cursor]).toEqual([50_010, 150_066]);
  });

  it('counts each request once, with two at it at once, both killed at random', async () => {
    const random = createRandom(Number(process.env.TEST_SEED));
    const { hub, blobs, models, time } = world(createRandom(11));
    const mortal: Blobs = {
      ...blobs,
      readText: (...asked) => orDie(() => blobs.readText(...asked)),
      writeText: (...asked) => orDie(() => blobs.writeText(...asked)),
    };
    let kills = 0;
    async function orDie<T>(work: () => Promise<T>): Promise<T> {
      if (random.next() < 0.05) throw new Killed();
      const done = await work();
      if (random.next() < 0.05) throw new Killed();
      return done;
    }
    const run = async (asked: Blobs) => {
      const options = { endings: [], models: async () => models, sample: 100, clock: () => time.nowMs, log: silent };
      const requests = memoryReader(hub, () => {
        if (asked === mortal && random.next() < 0.02) throw new Killed();
      });
      await createDriftWatch({ ...options, requests, blobs: asked })
        .run(never)
        .catch(thrown => {
          if (!(thrown instanceof Killed)) throw thrown;
          kills++;
        });
    };
    let asked = 0;
    for (let round = 0; round < 150; round++) {
      for (let i = random.below(40); i > 0; i--) {
        ask(hub, { features: customer(random) }, time.nowMs);
        asked++;
      }
      time.nowMs += HOUR / 30 + 11_000;
      await Promise.all([run(mortal), run(mortal)]);
    }
    time.nowMs += 25 * HOUR;
    for (let i = 0; i < 4; i++) {
      time.nowMs += 60_000;
      await run(blobs);
    }
    expect(kills).toBeGreaterThan(20);
    const reports = await Promise.all(
      (await blobs.list('windows/drift/churn/', never)).map(
        async ({ path }) => JSON.parse((await blobs.readText(path, never)).text) as DriftReport,
      ),
    );
    const rows = (size: string) => reports.filter(each => each.size === size).reduce((sum, each) => sum + each.rows, 0);
    expect([rows('1h'), rows('24h')]).toEqual([asked, asked]);
  });

  it('holds what was answered against the reference too, and dead letters by code', async () => {
    const random = createRandom(12);
    const { hub, blobs, models, time, watch } = world(random);
    const [version] = models.versions;
    const profile = {
      ...version!.profile,
      classes: { '"Yes"': 500, '"No"': 500 },
      confidences: confidences(0, 0, 1_000),
    };
    const changed = { ...watching(profile) };
    const [results, letters] = [new MemoryHub('results'), new MemoryHub('letters')];
    const closed: DriftReport[] = [];
    for (let hour = 0; hour < 3; hour++) {
      for (let i = 0; i < 1_500; i++) {
        ask(hub, { features: customer(random) }, time.nowMs + i);
        const sequenceNumber = hour * 1_500 + i;
        const ending = { sequenceNumber, version: '1.0.0', enqueuedAtMs: time.nowMs + i };
        if (i % 20 === 0) appendEndings(letters, [letterEvent({ ...ending, code: 'schema_mismatch' })], time.nowMs + i);
        else appendEndings(results, [resultEvent(ending)], time.nowMs + i);
      }
      time.nowMs += HOUR + 60_000;
      const more = { blobs, hubCreatedAtMs: 1, weightOf: () => undefined, clock: () => time.nowMs, untilMs: Infinity };
      for (const [kind, of] of [
        ['results', results],
        ['dead-letters', letters],
      ] as const) {
        for (let i = 0; i < 2; i++)
          await sweepPartition('0', { ...more, kind, reader: memoryReader(of, () => {}) }, never);
      }
      for (let i = 0; i < 2; i++) {
        time.nowMs += 60_000;
        closed.push(...((await watch({ models: async () => changed }).run(never))?.closed ?? []));
      }
      time.nowMs = Math.ceil(time.nowMs / HOUR) * HOUR;
    }
    const last = closed.at(-1) as DriftReport;
    expect(last.deadLetters).toMatchObject([{ code: 'schema_mismatch', bad: 75, trials: 1_500, alarm: true }]);
    const answers = last.features.filter(({ of }) => of !== 'feature');
    expect(answers.map(({ of, status, values }) => [of, status, values])).toEqual([
      ['prediction', 'alarm', 1_425],
      ['confidence', 'alarm', 1_425],
    ]);
  });
});

function confidences(...first: number[]): number[] {
  return Array.from({ length: 20 }, (_, bin) => first[bin] ?? 0);
}
