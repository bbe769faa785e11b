import { isRight } from '../sweep/labels/prediction.ts';
import type { Told } from './told.ts';

/** One request answered by two versions. */
export interface Pair {
  readonly baseline: Told;
  readonly candidate: Told;
  /** They answer otherwise, or the candidate does not answer. */
  readonly isFlip: boolean;
}

/** What was counted of two versions on the same requests. Whole numbers: merging is adding. */
export interface Tally {
  /** Requests that the baseline answered, and the candidate was asked. */
  readonly pairs: number;
  readonly flips: number;
  /** Pairs that the candidate did not answer by itself; each is a flip, too. */
  readonly errors: number;
  /** Requests that the baseline did not answer by itself. */
  readonly unpaired: number;
}

export const NO_TALLY: Tally = { pairs: 0, flips: 0, errors: 0, unpaired: 0 };

export function addTally(one: Tally, other: Tally): Tally {
  return {
    pairs: one.pairs + other.pairs,
    flips: one.flips + other.flips,
    errors: one.errors + other.errors,
    unpaired: one.unpaired + other.unpaired,
  };
}

export function tallyOf(pairs: readonly Pair[], unpaired: number): Tally {
  return {
    pairs: pairs.length,
    flips: pairs.filter(({ isFlip }) => isFlip).length,
    errors: pairs.filter(({ candidate }) => !candidate.isAnswer).length,
    unpaired,
  };
}

/** Puts what two versions said together by request. What the baseline did not answer is no pair: nobody knows what it would have been. */
export function pairUp(
  baselines: ReadonlyMap<string, Told>,
  candidates: readonly Told[],
): { readonly pairs: readonly Pair[]; readonly unpaired: number } {
  const pairs: Pair[] = [];
  let unpaired = 0;
  for (const candidate of candidates) {
    const baseline = baselines.get(candidate.resultId);
    if (baseline?.isAnswer) {
      const isFlip = !candidate.isAnswer || !isSame(baseline.prediction, candidate.prediction);
      pairs.push({ baseline, candidate, isFlip });
    } else unpaired++;
  }
  return { pairs, unpaired };
}

/** As golden rows are compared: two files of one model differ in the last digits. */
const TOLERANCE = 1e-4;

/** Whether two predictions say the same: 1, true and "1" do, and numbers within 1e-4 of the larger of them, or of 1. */
export function isSame(one: unknown, other: unknown): boolean {
  if (typeof one === 'number' && typeof other === 'number')
    return Math.abs(one - other) <= TOLERANCE * Math.max(1, Math.abs(one), Math.abs(other));
  if (Array.isArray(one) && Array.isArray(other))
    return one.length === other.length && one.every((value, i) => isSame(value, other[i]));
  return isRight(one, other);
}

/** A line of NDJSON, without its newline. */
export function lineOf({ baseline, candidate, isFlip }: Pair): string {
  const { enqueuedAtMs } = candidate;
  return JSON.stringify({
    result_id: candidate.resultId,
    request_id: candidate.requestId,
    ...(enqueuedAtMs !== undefined && { enqueued_at: new Date(enqueuedAtMs).toISOString() }),
    baseline: shown(baseline),
    candidate: shown(candidate),
    flip: isFlip,
  });
}

function shown({ version, prediction, confidence, code }: Told): Record<string, unknown> {
  return { version, prediction, confidence, code };
}
