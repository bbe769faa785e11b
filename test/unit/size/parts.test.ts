import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Agenda } from '../../../src/size/simulate/agenda.ts';
import { Backlog } from '../../../src/size/simulate/backlog.ts';
import { Latencies } from '../../../src/size/simulate/latencies.ts';
import { claimsOf } from '../../../src/size/simulate/ownership.ts';
import { createRandom } from '../../../src/size/simulate/random.ts';
import { AZURE_SCALE, desiredInstances, evenCounts } from '../../../src/size/simulate/scale-rule.ts';
import { Throttle } from '../../../src/size/simulate/throttle.ts';

it('the agenda is in order of time, and of noting where that is the same', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 20 })), times => {
      const agenda = new Agenda();
      const done: [number, number][] = [];
      for (const [i, at] of times.entries()) agenda.note(at, () => done.push([at, i]));
      while (agenda.nextAt < Number.POSITIVE_INFINITY) agenda.take().run();
      expect(done).toEqual(times.map((at, i) => [at, i]).sort(([a = 0, i = 0], [b = 0, j = 0]) => a - b || i - j));
    }),
  );
});

it('a backlog gives events in order, and again what is given back', () => {
  const backlog = new Backlog();
  backlog.add(1, 3);
  backlog.add(2, 4);
  const taken = backlog.take(5);
  expect(taken).toEqual([
    [1, 3],
    [2, 2],
  ]);
  expect(backlog.count).toBe(2);
  backlog.giveBack(taken);
  expect(backlog.take(100)).toEqual([
    [1, 3],
    [2, 2],
    [2, 2],
  ]);
  expect(backlog.count).toBe(0);
});

describe('a throttle', () => {
  /** Asks of `asks` at their times; when each passed. */
  function passedAt(
    perSecond: number,
    asks: readonly { readonly at: number; readonly who: number; readonly events: number }[],
  ) {
    const agenda = new Agenda();
    let now = 0;
    const passed: number[] = [];
    const throttle = new Throttle(
      { events: perSecond, bytes: Number.POSITIVE_INFINITY },
      () => now,
      (ms, run) => agenda.note(now + ms, run),
    );
    for (const [i, { at, who, events }] of asks.entries()) {
      agenda.note(at, () =>
        throttle.ask(who, events, 100, waitedMs => {
          passed[i] = now;
          expect(waitedMs).toBe(now - at);
        }),
      );
    }
    while (agenda.nextAt < Number.POSITIVE_INFINITY) {
      const next = agenda.take();
      now = next.at;
      next.run();
    }
    return passed;
  }
  const ask = (at: number, events: number, who = 0) => ({ at, events, who });

  it('lets what was saved through at once, and the rest at its rate, in order', () => {
    expect(passedAt(1_000, [ask(0, 1_500), ask(0, 500), ask(0, 100), ask(60_000, 100)])).toEqual([
      0, 500, 1_000, 60_000,
    ]);
  });

  it('lets everything through where there is no limit', () => {
    expect(passedAt(Number.POSITIVE_INFINITY, [ask(0, 1e9), ask(0, 1e9), ask(1, 5)])).toEqual([0, 0, 1]);
  });

  it('gives each of those who wait the same share, however much the other asks for', () => {
    const greedy = Array.from({ length: 100 }, () => ask(0, 100));
    const passed = passedAt(1_000, [ask(0, 1_000), ...greedy, ask(1, 100, 1), ask(1, 100, 1), ask(1, 100, 1)]);
    expect(passed.slice(-3).every(at => at < 1_000)).toBe(true);
  });
});

it('quantiles are exact to 2 %', () => {
  const latencies = new Latencies();
  expect(latencies.quantile(0.5)).toBeUndefined();
  for (let ms = 1; ms <= 1000; ms++) latencies.add(ms, 2);
  for (const share of [0.5, 0.95, 0.99]) {
    expect(latencies.quantile(share)).toBeGreaterThanOrEqual(1000 * share * 0.999);
    expect(latencies.quantile(share)).toBeLessThan(1000 * share * 1.021);
  }
});

it('as many come as are expected, on average', () => {
  const random = createRandom(7);
  for (const mean of [0.3, 5, 200]) {
    const total = Array.from({ length: 4000 }, () => random.poisson(mean)).reduce((sum, count) => sum + count, 0);
    expect(Math.abs(total / 4000 - mean)).toBeLessThan(5 * Math.sqrt(mean / 4000));
  }
});

describe('target-based scaling', () => {
  it('knows the numbers of instances that share partitions evenly', () => {
    expect(evenCounts(10)).toEqual([1, 2, 3, 4, 5, 10]);
    expect(evenCounts(20)).toEqual([1, 2, 3, 4, 5, 7, 10, 20]);
  });

  it('wants an instance for every 2,000 events, rounded up to such a number, never more than partitions', () => {
    const desired = (waiting: number) => desiredInstances(waiting, 10, AZURE_SCALE);
    expect([0, 1, 2_000, 2_001, 11_000, 1e6].map(desired)).toEqual([0, 1, 1, 2, 10, 10]);
  });
});

describe('claims', () => {
  it('are of what nobody holds, up to the share', () => {
    expect(claimsOf('a', [undefined, undefined, 'b', undefined])).toEqual([0, 1]);
  });
  it('then of those who hold most, and never a mere swap', () => {
    expect(claimsOf('a', ['b', 'b', 'b', 'b'])).toEqual([3, 2]);
    expect(claimsOf('a', ['b', 'b', 'a'])).toEqual([]);
    expect(claimsOf('a', ['b'])).toEqual([]);
  });
  it('lead to shares that differ by one at most', () => {
    const property = fc.property(
      fc.integer({ min: 1, max: 40 }),
      fc.integer({ min: 1, max: 12 }),
      (partitions, count) => {
        const owners: (number | undefined)[] = Array.from({ length: partitions }, () => undefined);
        for (let round = 0; round < 3; round++) {
          for (let me = 0; me < count; me++) for (const index of claimsOf(me, owners)) owners[index] = me;
        }
        const held = Array.from({ length: count }, (_, me) => owners.filter(owner => owner === me).length);
        expect(Math.max(...held) - Math.min(...held)).toBeLessThanOrEqual(1);
      },
    );
    fc.assert(property);
  });
});
