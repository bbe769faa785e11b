import type { Decided } from '../rollouts/change.ts';
import type { DeploymentDocument, Rollout } from '../rollouts/document.ts';
import type { Decision } from './decide.ts';

export interface ApplyOptions {
  readonly nowMs: number;
  /** From the change until it holds, so that every instance cuts at the same event. */
  readonly leadMs: number;
  /** `hub/partition` → the last event that the decision rests on. */
  readonly cursors: Readonly<Record<string, number>>;
}

/** For how long no version of a model is promoted by itself after a rollback. */
const COOLDOWN_MS = 5 * 60_000;

/**
 * What a deployment.json is to say after a decision. A rollback holds for every event from the moment it is read; it needs the same rollout, running or held, and a
 * promotion or a hold the same and running: of two at once the one that wrote first wins.
 * @returns undefined where it is another rollout by now, or over
 */
export function applyDecision(
  document: DeploymentDocument,
  decided: Rollout,
  { action, reason }: Decision,
  options: ApplyOptions,
): Decided | undefined {
  const { rollout } = document;
  const isSame = rollout?.id === decided.id && rollout.candidate === decided.candidate;
  if (!isSame || !(rollout.phase === 'running' || (action === 'rollback' && rollout.phase === 'held')))
    return undefined;
  const { nowMs, leadMs, cursors } = options;
  const now = new Date(nowMs).toISOString();
  const effective_at = new Date(nowMs + leadMs).toISOString();
  const why = reason.trigger ?? reason.text ?? '';
  const about = { rollout: rollout.id, reason, cursors };
  if (action === 'hold') {
    const held = { ...rollout, phase: 'held' as const, held_since: now, reason: why, effective_at };
    return { document: { ...document, rollout: held, effective_at }, action: 'hold', ...about };
  }
  if (action === 'promote') {
    const { candidate, baseline } = rollout;
    const promoted = { ...rollout, phase: 'promoted' as const, ended_at: now, effective_at, reason: why };
    const aliases = { ...document.aliases, production: candidate, previous: baseline };
    return { document: { ...document, aliases, rollout: promoted, effective_at }, action: 'promote', ...about };
  }
  const ended = { ...rollout, phase: 'rolled_back' as const, ended_at: now, reason: why };
  return {
    document: {
      ...document,
      effective_at: undefined,
      aliases: { ...document.aliases, production: rollout.baseline },
      rollout: ended,
      quarantine: { ...document.quarantine, [rollout.candidate]: `${rollout.id} ${why}` },
      cooldown_until: new Date(nowMs + COOLDOWN_MS).toISOString(),
    },
    action: 'rollback',
    ...about,
    isUrgent: true,
  };
}
