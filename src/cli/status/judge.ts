import { seeOf } from '../../core/on-call.ts';
import type { AppStatus } from './app-metrics.ts';
import type { DeadLetterCount, PartitionStatus } from './look.ts';
import type { Serving } from './serving.ts';

/** One JSON document of `hubscore status --json`. */
export interface Status {
  readonly at: string;
  readonly partitions: readonly PartitionStatus[];
  readonly models: readonly Serving[];
  /** Absent where no instance answers at `/metrics`. */
  readonly app?: AppStatus;
  /** Why `app` is absent. */
  readonly app_unknown?: string;
  /** Of the last hour. */
  readonly dead_letters: readonly DeadLetterCount[];
  /** What someone must look at; empty where nothing is to be done. */
  readonly trouble: readonly Trouble[];
}

export interface Trouble {
  readonly what: string;
  readonly see: string;
}

/** More waiting requests than this are trouble where none has ended for a while. */
const IDLE_MS = 60_000;
/** As the alert on dead letters has it: ten a minute. */
const LETTERS_AN_HOUR = 600;
/** Codes that are no producer's fault: one is enough. */
const OURS = new Set(['model_unavailable', 'inference_failed', 'unexpected', 'deadline_exceeded']);

/**
 * What someone must act on, each with the anchor that says how.
 * @param lagEvents what the alert on lag goes by
 */
export function judge(status: Omit<Status, 'trouble'>, lagEvents: number): Trouble[] {
  const trouble: Trouble[] = [];
  const say = (what: string, anchor: string) => void trouble.push({ what, see: seeOf(anchor) });
  const nowMs = Date.parse(status.at);
  for (const { id, lag, last_ending } of status.partitions) {
    const silentMs = nowMs - (last_ending === undefined ? 0 : Date.parse(last_ending));
    if (lag > 0 && silentMs > IDLE_MS) say(`partition ${id}: ${lag} wait and none comes to its ending`, 'no-results');
    else if (lag > lagEvents) say(`partition ${id}: ${lag} wait`, 'lag');
  }
  for (const { model, problem } of status.models) {
    if (problem !== undefined) say(`${model}: ${problem}`, 'version-not-served');
  }
  for (const [target, state] of Object.entries(status.app?.breakers ?? {})) {
    if (state === 'open') say(`the circuit breaker of ${target} is open`, 'circuit-open');
  }
  let letters = 0;
  for (const { code, model, count } of status.dead_letters) {
    letters += count;
    if (OURS.has(code)) say(`${count} ${code} in the last hour${model ? `, of ${model}` : ''}`, code);
  }
  if (letters > LETTERS_AN_HOUR) say(`${letters} dead letters in the last hour`, 'dead-letters');
  return trouble;
}
