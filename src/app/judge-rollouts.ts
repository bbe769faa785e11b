import type { Blobs } from '../core/blobs.ts';
import { asError } from '../core/errors.ts';
import type { Clock, Log } from '../core/log.ts';
import { type AuditBlobs, appendOutbox, changeAndRecord } from '../rollouts/audit-log.ts';
import { ChangeRefused, type Decided } from '../rollouts/change.ts';
import { end, hold, type Moment, promote, rollback } from '../rollouts/decisions.ts';
import { type DeploymentDocument, isOpen, type Rollout } from '../rollouts/document.ts';
import type { SweptCounts } from '../sweep/read-counts.ts';
import { type Decision, decideRollout } from '../verdicts/decide.ts';
import { type JudgedRollout, judgeRollout } from '../verdicts/judge-rollout.ts';

export interface JudgeRolloutsOptions {
  /** The container of the models, and that of the audit trails. */
  readonly models: Blobs;
  readonly audit: AuditBlobs;
  readonly leadMs: number;
  /** Where a trigger's bad trials pile up, in words; it must not take long, since a rollback waits for it. Absent: nobody looks. */
  readonly blame?:
    | ((model: string, rollout: Rollout, trigger: string, signal: AbortSignal) => Promise<readonly string[]>)
    | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

/** What was judged of a model's rollout, and what was done. */
export interface Acted {
  readonly model: string;
  readonly judged: JudgedRollout;
  readonly action: Decision['action'] | undefined;
}

/** Judges every open rollout by what was counted, and does what that says. One that cannot be written holds up no other. */
export async function judgeRollouts(
  documents: ReadonlyMap<string, DeploymentDocument>,
  counts: SweptCounts,
  isCaughtUp: boolean,
  options: JudgeRolloutsOptions,
  signal: AbortSignal,
): Promise<readonly Acted[]> {
  const { clock } = options;
  const acted: Acted[] = [];
  for (const [model, { rollout, cooldown_until }] of documents) {
    if (!isOpen(rollout)) continue;
    const nowMs = clock();
    const judged = judgeRollout(model, rollout, counts, nowMs);
    const cooldownUntilMs = cooldown_until === undefined ? undefined : Date.parse(cooldown_until);
    const decision = decideRollout(judged, { nowMs, cooldownUntilMs, isCaughtUp });
    const isDone =
      decision !== undefined &&
      (await act(model, rollout, await withBlame(model, rollout, decision, options, signal), counts, options, signal));
    acted.push({ model, judged, action: isDone ? decision.action : undefined });
  }
  return acted;
}

const DO = { rollback, promote, hold, end } as const;
const WORDS = { rollback: 'rolled back', promote: 'promoted', hold: 'held', end: 'ended' } as const;

/** The decision with what there is to blame. Never throws: a rollback goes without. */
async function withBlame(
  model: string,
  rollout: Rollout,
  decision: Decision,
  { blame, log }: JudgeRolloutsOptions,
  signal: AbortSignal,
): Promise<Decision> {
  const { trigger } = decision.reason;
  if (trigger === undefined || blame === undefined) return decision;
  try {
    const found = await blame(model, rollout, trigger, signal);
    return found.length === 0 ? decision : { ...decision, reason: { ...decision.reason, blame: found } };
  } catch (thrown) {
    log.info(`${model}: where rollout ${rollout.id} fails was not searched: ${asError(thrown).message}`);
    return decision;
  }
}

/** @returns whether it was done */
async function act(
  model: string,
  { id, candidate }: Rollout,
  { action, reason }: Decision,
  { cursors }: SweptCounts,
  { models, audit, leadMs, clock, log }: JudgeRolloutsOptions,
  signal: AbortSignal,
): Promise<boolean> {
  const decide = (before: DeploymentDocument, nowMs: number): Decided | undefined => {
    if (before.rollout?.candidate !== candidate) return undefined;
    const moment: Moment = { nowMs, leadMs };
    return DO[action](before, moment, { reason, cursors }, id);
  };
  const options = { store: models, path: pathOf(model), actor: 'hubscore', clock, signal };
  try {
    const { before, after, unwritten } = await changeAndRecord(audit, model, options, decide);
    if (before === after) return false;
    log.warn(`${model} ${candidate}: ${WORDS[action]} (rollout ${id}): ${reason.trigger ?? reason.text}`);
    if (unwritten) log.warn(`${model}: the audit record waits to be written: ${unwritten.message}`);
    return true;
  } catch (thrown) {
    // Of two who decide at the same time one finds it done.
    if (!(thrown instanceof ChangeRefused)) {
      log.error(`${model}: ${action} of rollout ${id} failed: ${asError(thrown).message}`);
    } else log.info(`${model}: no ${action} of rollout ${id}: ${thrown.message}`);
    return false;
  }
}

const pathOf = (model: string) => `${model}/deployment.json`;

/** Appends audit records that still wait, such as those of a command that ended before. Never throws. */
export async function appendWaiting(
  documents: ReadonlyMap<string, DeploymentDocument>,
  { models, audit, log }: JudgeRolloutsOptions,
  signal: AbortSignal,
): Promise<void> {
  for (const [model, { outbox }] of documents) {
    if (outbox.length === 0) continue;
    await appendOutbox(audit, model, { store: models, path: pathOf(model), signal }).catch(thrown => {
      log.warn(`${model}: ${outbox.length} audit records wait to be written: ${asError(thrown).message}`);
    });
  }
}
