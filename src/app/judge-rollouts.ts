import type { Blobs } from '../core/blobs.ts';
import { asError } from '../core/errors.ts';
import type { Clock, Log } from '../core/log.ts';
import { changeDocument, type Tail } from '../rollouts/change.ts';
import { type DeploymentDocument, isOpen } from '../rollouts/document.ts';
import type { SweptCounts } from '../sweep/read-counts.ts';
import { applyDecision } from '../verdicts/apply.ts';
import { decideRollout } from '../verdicts/decide.ts';
import { type JudgedRollout, judgeRollout } from '../verdicts/judge-rollout.ts';

export interface JudgeRolloutsOptions {
  /** The container of the models. */
  readonly models: Blobs;
  readonly leadMs: number;
  readonly clock: Clock;
  readonly log: Log;
  /** Of the audit trail of a model, where its document knows no record. */
  readonly tail?: ((model: string) => Promise<Tail | undefined>) | undefined;
}

/** What was judged of a model's rollout, and what was done. */
export interface Acted {
  readonly model: string;
  readonly judged: JudgedRollout;
  readonly action: 'rollback' | 'promote' | 'hold' | undefined;
}

/** Judges every open rollout by what was counted, and does what that says. One that cannot be written holds up no other. */
export async function judgeRollouts(
  documents: ReadonlyMap<string, DeploymentDocument>,
  counts: SweptCounts,
  isCaughtUp: boolean,
  options: JudgeRolloutsOptions,
  signal: AbortSignal,
): Promise<readonly Acted[]> {
  const { clock, log } = options;
  const acted: Acted[] = [];
  for (const [model, document] of documents) {
    const { rollout, cooldown_until } = document;
    if (!isOpen(rollout)) continue;
    const nowMs = clock();
    const judged = judgeRollout(model, rollout, counts, nowMs);
    const cooldownUntilMs = cooldown_until === undefined ? undefined : Date.parse(cooldown_until);
    const decision = decideRollout(judged, { nowMs, cooldownUntilMs, isCaughtUp });
    let action: Acted['action'];
    if (decision !== undefined) {
      try {
        const more = { store: options.models, path: `${model}/deployment.json`, actor: 'hubscore', clock, signal };
        const tail = options.tail && (() => options.tail?.(model) ?? Promise.resolve(undefined));
        const { before, after } = await changeDocument({ ...more, tail }, (found, writtenAtMs) =>
          applyDecision(found, rollout, decision, {
            nowMs: writtenAtMs,
            leadMs: options.leadMs,
            cursors: counts.cursors,
          }),
        );
        if (before !== after) {
          action = decision.action;
          log.warn(
            `${model} ${rollout.candidate}: ${WORDS[action]}: ${decision.reason.trigger ?? decision.reason.text}`,
          );
        }
      } catch (thrown) {
        log.error(`${model}: ${decision.action} of rollout ${rollout.id} failed: ${asError(thrown).message}`);
      }
    }
    acted.push({ model, judged, action });
  }
  return acted;
}

const WORDS = { rollback: 'rolled back', promote: 'promoted', hold: 'held' } as const;
