import { evidenceAbove, evidenceBelow } from '../evidence/binomial.ts';
import { accuracyDrop, evidencePositive, LEAST_LABELS } from '../evidence/difference.ts';
import { isShift, type Trigger, type Watched, watchedBy } from '../rollouts/triggers.ts';

/** What comes to a model at present. */
export interface Traffic {
  readonly requestsPerSecond: number;
  readonly runsPerSecond: number;
  readonly labelsPerSecond: number;
}

export interface PlanOptions {
  readonly traffic: Traffic;
  /** The candidate's share, per cent. */
  readonly weight: number;
  readonly alpha: number;
  readonly triggers: readonly Trigger[];
  readonly durationMs: number;
}

/** How many trials of the candidate it takes, and how long they take to come; undefined seconds where none come. */
export interface Needed {
  /** True share of bad trials, or the true drop. */
  readonly rate: number;
  readonly trials: number;
  readonly seconds: number | undefined;
}

export interface PlannedTrigger {
  readonly trigger: string;
  /** What the trials are. */
  readonly of: 'requests' | 'runs' | 'labels';
  readonly perSecond: number;
  /** Until a candidate as bad as that is rolled back, in half of all cases. */
  readonly detects: readonly Needed[];
  /** Until a candidate that never fails has passed; undefined where that is not counted in trials. */
  readonly proves: Needed | undefined;
  /** Whether it can pass within the duration. */
  readonly isInTime: boolean;
}

/** What a rollout can detect at the present traffic, and when. */
export function planRollout({ traffic, weight, alpha, triggers, durationMs }: PlanOptions): readonly PlannedTrigger[] {
  const threshold = Math.log(triggers.length / alpha);
  return triggers.flatMap(({ when }) => {
    const watched = watchedBy(when) as Watched;
    if (isShift(watched.metric)) return []; // a signal of what has no size
    const of = trialsOf(watched);
    const perSecond = candidatesPerSecond(of, traffic, weight / 100);
    const timed = (rate: number, trials: number): Needed => ({
      rate,
      trials,
      seconds: perSecond > 0 ? trials / perSecond : undefined,
    });
    const limit = watched.metric === 'latency' ? (watched.share as number) : watched.limit;
    const detects = ratesFor(watched, limit).flatMap(rate => {
      const trials =
        of === 'labels' ? labelsToDetect(limit, rate, weight / 100, threshold) : trialsToDetect(limit, rate, threshold);
      return trials === undefined ? [] : [timed(rate, trials)];
    });
    const proven = of === 'labels' ? undefined : trialsToProve(limit, 0, threshold);
    const proves = proven === undefined ? undefined : timed(0, proven);
    const isInTime = proves === undefined || (proves.seconds ?? Number.POSITIVE_INFINITY) * 1000 <= durationMs;
    return { trigger: when, of, perSecond, detects, proves, isInTime };
  });
}

function trialsOf({ metric }: Watched): PlannedTrigger['of'] {
  if (metric === 'error_rate') return 'requests';
  return metric === 'latency' || metric === 'failed_runs' ? 'runs' : 'labels';
}

/** A run of the stream becomes one of either arm where it holds rows of both. */
function candidatesPerSecond(
  of: PlannedTrigger['of'],
  { requestsPerSecond, runsPerSecond, labelsPerSecond }: Traffic,
  share: number,
): number {
  if (of === 'requests') return requestsPerSecond * share;
  if (of === 'labels') return labelsPerSecond * share;
  const rowsPerRun = runsPerSecond > 0 ? requestsPerSecond / runsPerSecond : 0;
  return runsPerSecond * (1 - (1 - share) ** Math.max(1, rowsPerRun));
}

/** Rates above the limit that are worth knowing. */
function ratesFor({ metric }: Watched, limit: number): readonly number[] {
  if (metric === 'error_increase') return [];
  if (metric === 'accuracy_drop') return [limit + 0.05, limit + 0.1, limit + 0.25].filter(rate => rate < 1);
  return [1.5, 2, 3, 5, 10]
    .map(times => times * limit)
    .filter(rate => rate < 1)
    .concat(1);
}

const MOST_TRIALS = 100_000_000;

/** Trials until the evidence reaches the threshold where bad ones come as often as they should; the median to within a tenth. */
export function trialsToDetect(limit: number, rate: number, threshold: number): number | undefined {
  return least(trials => evidenceAbove(limit, { bad: rate * trials, trials }) >= threshold);
}

/** Trials until a candidate with that rate below the limit has passed. */
export function trialsToProve(limit: number, rate: number, threshold: number): number | undefined {
  return least(trials => evidenceBelow(limit, { bad: rate * trials, trials }) >= threshold);
}

/** The candidate's labels until a drop of accuracy is found, with production right in nine of ten. */
export function labelsToDetect(limit: number, drop: number, share: number, threshold: number): number | undefined {
  const production = 0.9;
  const found = least(labels => {
    const others = (labels * (1 - share)) / share;
    const difference = accuracyDrop(
      { bad: labels * (1 - production + drop), trials: labels },
      { bad: others * (1 - production), trials: others },
      limit,
    );
    return difference !== undefined && evidencePositive(difference) >= threshold;
  });
  return found === undefined ? undefined : Math.max(LEAST_LABELS, found);
}

/** The least whole number that something holds for, where it holds for all above. */
function least(holds: (trials: number) => boolean): number | undefined {
  let above = 1;
  while (!holds(above)) {
    above *= 2;
    if (above > MOST_TRIALS) return undefined;
  }
  let below = Math.floor(above / 2);
  while (above - below > 1) {
    const middle = Math.floor((above + below) / 2);
    if (holds(middle)) above = middle;
    else below = middle;
  }
  return above;
}

const HOUR_MS = 3_600_000;

/** What came to a model of late, by what the sweep counted in the last hour. */
export function trafficOf(
  model: string,
  windows: readonly { readonly atMs: number; readonly model: string; readonly requests: number }[],
  runsPerRequest: number,
  labelsPerRequest: number,
  nowMs: number,
): Traffic {
  const own = windows.filter(window => window.model === model && window.atMs > nowMs - HOUR_MS);
  const first = Math.min(...own.map(({ atMs }) => atMs));
  const seconds = Math.max(10, (nowMs - first) / 1000);
  const requests = own.reduce((sum, window) => sum + window.requests, 0);
  const requestsPerSecond = own.length > 0 ? requests / seconds : 0;
  return {
    requestsPerSecond,
    runsPerSecond: requestsPerSecond * runsPerRequest,
    labelsPerSecond: requestsPerSecond * labelsPerRequest,
  };
}
