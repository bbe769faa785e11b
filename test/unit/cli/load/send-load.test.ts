import { describe, expect, it } from 'vitest';
import { constantRate } from '../../../../src/cli/load/schedule.ts';
import { type LoadClock, type LoadPlan, sendLoad } from '../../../../src/cli/load/send-load.ts';
import { FATE, Tally } from '../../../../src/cli/load/tally.ts';

const START = 1_000_000;

/** Time passes only where somebody sleeps; what was to happen meanwhile happens then. */
function fakeClock() {
  let nowMs = START;
  const alarms: { atMs: number; ring: () => void }[] = [];
  const turn = () => new Promise<void>(resolve => setImmediate(resolve));
  const clock: LoadClock = {
    now: () => nowMs,
    async sleep(ms) {
      const untilMs = nowMs + ms;
      alarms.sort((a, b) => a.atMs - b.atMs);
      while ((alarms[0]?.atMs ?? Number.POSITIVE_INFINITY) <= untilMs) {
        const { atMs, ring } = alarms.shift()!;
        nowMs = Math.max(nowMs, atMs);
        ring();
        await turn();
      }
      nowMs = untilMs;
    },
  };
  const after = (ms: number) => new Promise<void>(ring => alarms.push({ atMs: nowMs + ms, ring }));
  return { clock, after };
}

interface Send {
  readonly atMs: number;
  readonly numbers: readonly number[];
  readonly key: string | undefined;
}

function planOf(part: Partial<LoadPlan>): LoadPlan {
  const every = { schedule: constantRate(100), total: 10, durationMs: Number.POSITIVE_INFINITY, workers: 4 };
  return { ...every, keyOf: () => undefined, send: async () => {}, ...part };
}

const NEVER = new AbortController().signal;

describe('sending on a schedule', () => {
  it('ends 5 s after the duration, though sends are never confirmed: what is left counts as not sent', async () => {
    const { clock } = fakeClock();
    const tally = new Tally('t');
    const plan = planOf({ total: 100, durationMs: 1_000, workers: 2, send: () => new Promise<void>(() => {}) });
    await sendLoad(plan, tally, clock, NEVER);
    expect(clock.now() - START).toBeLessThan(6_100);
    expect(tally.notSent).toBe(100);
    expect(Object.fromEntries(tally.sendFailures)).toEqual({
      'not confirmed by the end of --duration': 2,
      'not sent by the end of --duration': 98,
    });
  });

  it('sends every request once, when it is due', async () => {
    const { clock } = fakeClock();
    const sends: Send[] = [];
    const send = async (numbers: readonly number[], key: string | undefined) => {
      sends.push({ atMs: clock.now() - START, numbers: [...numbers], key });
    };
    await sendLoad(planOf({ send, total: 50 }), new Tally('t'), clock, NEVER);
    expect(sends.flatMap(({ numbers }) => numbers)).toEqual(Array.from({ length: 50 }, (_, n) => n));
    for (const { atMs, numbers } of sends) expect(atMs - 10 * numbers[0]!).toBeLessThanOrEqual(1);
  });

  it('keeps the intended times while the hub stalls: the wait is seen, not left out', async () => {
    const { clock, after } = fakeClock();
    const tally = new Tally('t');
    const plan = planOf({
      total: 100,
      workers: 1,
      send: numbers => (numbers[0] === 0 ? after(500) : Promise.resolve()),
    });
    await sendLoad(plan, tally, clock, NEVER);
    for (let n = 0; n < 100; n++) expect(tally.at(n).intendedMs - START).toBeCloseTo(10 * n, 6);
    expect(tally.at(1).sendBeganMs - tally.at(1).intendedMs).toBeGreaterThan(480);
    expect(tally.at(40).sendBeganMs - tally.at(40).intendedMs).toBeGreaterThan(90);
    expect(tally.at(90).sendBeganMs - tally.at(90).intendedMs).toBeLessThan(2);
  });

  it('never has more sends under way than workers, and puts what waits for one key in one send', async () => {
    const { clock, after } = fakeClock();
    const sends: Send[] = [];
    let underWay = 0;
    let most = 0;
    const send = async (numbers: readonly number[], key: string | undefined) => {
      sends.push({ atMs: clock.now(), numbers: [...numbers], key });
      most = Math.max(most, ++underWay);
      if (numbers[0]! < 20) await after(100);
      underWay--;
    };
    const keyOf = (n: number) => `key-${n % 3}`;
    await sendLoad(planOf({ total: 60, workers: 2, keyOf, send }), new Tally('t'), clock, NEVER);
    expect(most).toBe(2);
    expect(sends.flatMap(({ numbers }) => numbers).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 60 }, (_, n) => n),
    );
    expect(sends.every(({ numbers, key }) => numbers.every(n => keyOf(n) === key))).toBe(true);
    expect(sends.length).toBeLessThan(60);
  });

  it('ends with the time', async () => {
    const { clock } = fakeClock();
    const tally = new Tally('t');
    await sendLoad(planOf({ total: 1000, durationMs: 2000 }), tally, clock, NEVER);
    expect(tally.begun).toBe(200);
  });

  it('stops at the signal, and waits for what is under way', async () => {
    const { clock, after } = fakeClock();
    const stop = new AbortController();
    const tally = new Tally('t');
    let ended = 0;
    const plan = planOf({
      total: 1000,
      send: async numbers => {
        if (numbers[0] === 5) stop.abort();
        if (numbers[0] === 5) void clock.sleep(100, NEVER);
        await after(50);
        ended += numbers.length;
      },
    });
    await sendLoad(plan, tally, clock, stop.signal);
    expect(tally.begun).toBe(6);
    expect(ended).toBe(6);
  });
});

describe('sending without a schedule', () => {
  it('lets every worker go on as soon as it is free', async () => {
    const { clock } = fakeClock();
    const tally = new Tally('t');
    const byKey = new Map<string, number>();
    const send = async (numbers: readonly number[], key: string | undefined) => {
      expect(numbers).toHaveLength(1);
      byKey.set(key!, (byKey.get(key!) ?? 0) + 1);
    };
    const plan = planOf({ schedule: undefined, total: 100, workers: 8, keyOf: n => `k${n % 4}`, send });
    await sendLoad(plan, tally, clock, NEVER);
    expect([...byKey.values()]).toEqual([25, 25, 25, 25]);
    expect(tally.at(99)).toMatchObject({ fate: FATE.unsettled, intendedMs: START, sendBeganMs: START });
  });
});
