import type { Rollout } from '../rollouts/document.ts';
import type { Arms } from './arms.ts';

export type Verdict = 'pass' | 'fail' | 'undecided';

/** What one trigger comes to, with all that it rests on. */
export interface Judged {
  readonly trigger: string;
  readonly bad: number;
  readonly trials: number;
  /** Share of bad trials of either arm, or the mean error; undefined without a trial. */
  readonly candidate: number | undefined;
  readonly production: number | undefined;
  /** The candidate's, as far as the counts do not rule it out at α, however often one looks. */
  readonly interval: readonly [low: number, high: number] | undefined;
  /** ln E that it is above the limit, and that it is below. */
  readonly failEvidence: number;
  readonly passEvidence: number;
  /** ln E that it is worse than production; undefined where nothing is beside it. */
  readonly worseEvidence: number | undefined;
  readonly threshold: number;
  readonly verdict: Verdict | 'not_applicable';
  /** It holds, and never rolls back. */
  readonly isSignal: boolean;
  /** Why it is undecided or does not apply, in words; undefined where the evidence says it all. */
  readonly why: string | undefined;
}

export interface JudgeOptions {
  readonly rollout: Rollout;
  readonly arms: Arms;
  /** The candidate's share now, per cent. At 100 there is no production beside it. */
  readonly weight: number;
  /** Its duration is over: what has no label by then goes without. */
  readonly isOver: boolean;
}
