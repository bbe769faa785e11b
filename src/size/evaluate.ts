import type { Costs } from './costs.ts';
import { type Money, moneyOf } from './money.ts';
import { type Capacity, capacities } from './need.ts';
import type { Prices } from './prices.ts';
import { scenarioOf, type Window } from './scenario-of.ts';
import type { SetUp } from './set-up.ts';
import type { Outcome } from './simulate/scenario.ts';
import { simulate } from './simulate/simulate.ts';
import { type Objective, shareOf, type Workload } from './workload.ts';

/** What is asked: all that an answer depends on. */
export interface Question {
  readonly workload: Workload;
  readonly costs: Costs;
  readonly objective: Objective;
  readonly prices: Prices;
  readonly seed: number;
}

/** What comes of a set-up. */
export interface Evaluation {
  readonly setUp: SetUp;
  /** Of one namespace, planned, ascending: the first binds. */
  readonly capacities: readonly Capacity[];
  readonly money: Money;
  readonly outcome: Outcome;
  readonly window: Window;
  /** What does not hold, in words; empty: all does. */
  readonly misses: readonly string[];
}

/** A set-up by the closed formulas and the simulation. */
export function evaluate(setUp: SetUp, { workload, costs, objective, prices, seed }: Question): Evaluation {
  const { scenario, window } = scenarioOf(setUp, workload, costs, objective, seed);
  const outcome = simulate(scenario);
  return {
    setUp,
    capacities: capacities(setUp.tier, setUp, shareOf(workload, setUp.namespaces), costs).sort(
      (a, b) => a.perSecond - b.perSecond,
    ),
    money: moneyOf(setUp, workload, costs, prices),
    outcome,
    window,
    misses: missesOf(outcome, objective),
  };
}

/** Left at the end beyond what is usually under way: a set-up that falls behind holds nothing, whatever its latency so far. */
const BEHIND = { seconds: 60, ofTheTime: 0.1 };

function missesOf(outcome: Outcome, { p99Ms, drainMs }: Objective): string[] {
  const misses: string[] = [];
  const rate = outcome.samples.reduce((sum, { sentPerSecond }) => sum + sentPerSecond, 0) / outcome.samples.length;
  const left = outcome.waiting + outcome.heldBack;
  const lasted = outcome.samples.at(-1)?.second ?? 0;
  if (left > rate * Math.min(BEHIND.seconds, BEHIND.ofTheTime * lasted))
    misses.push(`it falls behind: ${whole(left)} events are not answered at the end`);
  if (p99Ms !== undefined && !((outcome.p99Ms ?? Number.POSITIVE_INFINITY) <= p99Ms)) {
    misses.push(`p99 is ${seconds(outcome.p99Ms)}, asked for is ${seconds(p99Ms)}`);
  }
  if (drainMs !== undefined && !((outcome.drainMs ?? Number.POSITIVE_INFINITY) <= drainMs)) {
    misses.push(
      outcome.drainMs === undefined
        ? `the burst is not worked off in the time simulated, asked for is ${seconds(drainMs)}`
        : `the burst is worked off after ${seconds(outcome.drainMs)}, asked for is ${seconds(drainMs)}`,
    );
  }
  return misses;
}

export const whole = (value: number) => Math.round(value).toLocaleString('en');

/** `31 ms`, `2.4 s`, `12 min` */
export function seconds(ms: number | undefined): string {
  if (ms === undefined) return 'never';
  if (ms < 995) return `${Math.round(ms)} ms`;
  return ms < 99_500 ? `${Number((ms / 1000).toPrecision(2))} s` : `${Math.round(ms / 60_000)} min`;
}
