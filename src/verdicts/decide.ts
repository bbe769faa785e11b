import type { Reason } from '../rollouts/audit-record.ts';
import { isOpen } from '../rollouts/document.ts';
import { inWords } from './compare-arms.ts';
import type { JudgedRollout } from './judge-rollout.ts';
import type { Judged } from './judge-trigger.ts';

/** What is to be done with a rollout by itself, and why; undefined: nothing, it goes on. */
export type Decision = {
  readonly action: 'rollback' | 'promote' | 'hold' | 'end';
  readonly reason: Reason;
};

export interface DecideOptions {
  readonly nowMs: number;
  /** Until when versions of the model are not promoted by themselves, milliseconds since the epoch. */
  readonly cooldownUntilMs: number | undefined;
  /** All that came by now was counted. */
  readonly isCaughtUp: boolean;
}

/**
 * Decides by the evidence: any failed trigger rolls back, at any time; nothing is promoted before its duration is over. An A/B comparison ends then with its verdict, and production stays. Signals, a failed split, and too few keys hold a
 * promotion and nothing else.
 */
export function decideRollout(
  judged: JudgedRollout,
  { nowMs, cooldownUntilMs, isCaughtUp }: DecideOptions,
): Decision | undefined {
  const { rollout, triggers, split, obstacles } = judged;
  if (!isOpen(rollout)) return undefined;
  const failed = triggers.find(({ verdict, isSignal }) => verdict === 'fail' && !isSignal);
  if (failed !== undefined) return { action: 'rollback', reason: reasonOf(failed) };
  if (rollout.phase !== 'running') return undefined;
  const signal = triggers.find(({ verdict, isSignal }) => verdict === 'fail' && isSignal);
  if (signal !== undefined)
    return { action: 'hold', reason: { ...reasonOf(signal), text: `the signal ${signal.trigger} fails` } };
  // Of what is not counted yet the last part may be the bad one.
  if (!judged.isOver || !isCaughtUp) return undefined;
  if (judged.comparison !== undefined) return { action: 'end', reason: { text: inWords(rollout, judged.comparison) } };
  const isCooling = cooldownUntilMs !== undefined && nowMs < cooldownUntilMs;
  const promote = (text: string): Decision | undefined =>
    isCooling ? undefined : { action: 'promote', reason: { text } };
  if (rollout.kind === 'blue_green') return promote(['its duration is over without a fail', ...obstacles].join('; '));
  if (obstacles.length === 0) return promote('its duration is over, and all triggers pass');
  const text = `its duration is over, but ${obstacles.join('; ')}`;
  if (split?.verdict === 'fail' || rollout.on_undecided === 'hold') return { action: 'hold', reason: { text } };
  return rollout.on_undecided === 'promote' ? promote(text) : { action: 'rollback', reason: { text } };
}

function reasonOf({ trigger, bad, trials, candidate, interval, failEvidence, threshold }: Judged): Reason {
  return {
    trigger,
    s: bad,
    n: trials,
    ...(candidate !== undefined && { estimate: candidate }),
    ...(interval !== undefined && { interval }),
    evidence: failEvidence,
    threshold,
  };
}
