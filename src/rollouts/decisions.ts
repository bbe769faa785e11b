import type { Reason } from './audit-record.ts';
import { ChangeRefused, type Decided } from './change.ts';
import type { DeploymentDocument, Phase, Rollout } from './document.ts';
import { isOpen } from './document.ts';
import { weightAt } from './ramp.ts';

/** What a decision goes by besides the document. */
export interface Moment {
  /** Storage's clock, milliseconds since the epoch. */
  readonly nowMs: number;
  /** ROLLOUT_LEAD_SECONDS: how long before it takes effect a change is announced. */
  readonly leadMs: number;
}

/** Why, and on what it rests; for the audit trail. */
export interface Grounds {
  readonly reason?: Reason | undefined;
  readonly cursors?: Readonly<Record<string, number>> | undefined;
}

/** After a rollback nothing is promoted by itself, and no share grows. */
export const COOLDOWN_MS = 5 * 60_000;
/** So long after a promotion a rollback still returns to the version before. */
const RETURN_MS = 24 * 3_600_000;

const iso = (ms: number) => new Date(ms).toISOString();

/** The rollout that may be acted on. @throws ChangeRefused where there is none, or another than meant. */
function open({ rollout }: DeploymentDocument, phases: readonly Phase[], id?: string): Rollout {
  if (!isOpen(rollout)) {
    const last = rollout === undefined ? '' : `; ${rollout.id} is ${rollout.phase.replace('_', ' ')}`;
    throw new ChangeRefused(`no rollout is running${last}`);
  }
  if (id !== undefined && rollout.id !== id) throw new ChangeRefused(`${rollout.id} is another rollout than ${id}`);
  if (!phases.includes(rollout.phase)) throw new ChangeRefused(`rollout ${rollout.id} is ${rollout.phase}`);
  return rollout;
}

export function isCoolingDown({ cooldown_until }: DeploymentDocument, nowMs: number): boolean {
  return cooldown_until !== undefined && nowMs < Date.parse(cooldown_until);
}

/**
 * The candidate becomes production for events enqueued after the lead.
 * @param automatic the id of the rollout that the verdict is of: then it must run, and nothing is cooling down
 * @throws ChangeRefused
 */
export function promote(
  before: DeploymentDocument,
  moment: Moment,
  grounds: Grounds = {},
  automatic?: string,
): Decided {
  const rollout = open(before, automatic === undefined ? ['running', 'held'] : ['running'], automatic);
  if (automatic !== undefined && isCoolingDown(before, moment.nowMs)) {
    throw new ChangeRefused(`nothing is promoted by itself until ${before.cooldown_until}, after a rollback`);
  }
  const effectiveAt = iso(moment.nowMs + moment.leadMs);
  const document: DeploymentDocument = {
    ...before,
    effective_at: effectiveAt,
    aliases: moved(before, rollout.candidate, rollout.baseline),
    rollout: ended(rollout, 'promoted', effectiveAt, moment, grounds),
  };
  return { document, action: 'promote', rollout: rollout.id, ...grounds };
}

/**
 * Takes the candidate's traffic away at once, the backlog's included, and puts it into quarantine; within a day of a promotion production returns to the version before.
 * @param automatic the id of the rollout that the verdict is of
 * @throws ChangeRefused where there is nothing to take back
 */
export function rollback(
  before: DeploymentDocument,
  moment: Moment,
  grounds: Grounds = {},
  automatic?: string,
): Decided {
  const rollout = isOpen(before.rollout)
    ? open(before, ['running', 'held'], automatic)
    : promotedJustNow(before, moment);
  const why = grounds.reason?.trigger ?? grounds.reason?.text ?? 'taken back by hand';
  const document: DeploymentDocument = {
    ...before,
    effective_at: undefined,
    aliases: returned(before, rollout),
    rollout: ended(rollout, 'rolled_back', iso(moment.nowMs), moment, grounds),
    quarantine: { ...before.quarantine, [rollout.candidate]: `${rollout.id} ${why}` },
    cooldown_until: iso(moment.nowMs + COOLDOWN_MS),
  };
  return { document, action: 'rollback', rollout: rollout.id, ...grounds, isUrgent: true };
}

/** Freezes the share reached; no key changes. @throws ChangeRefused */
export function hold(before: DeploymentDocument, moment: Moment, grounds: Grounds = {}, automatic?: string): Decided {
  const rollout = open(before, ['running'], automatic);
  const since = iso(moment.nowMs + moment.leadMs);
  const told = { reason: said(grounds), blame: grounds.reason?.blame };
  const held: Rollout = { ...rollout, phase: 'held', held_since: since, effective_at: since, ...told };
  return {
    document: { ...before, effective_at: since, rollout: held },
    action: 'hold',
    rollout: rollout.id,
    ...grounds,
  };
}

/** Goes on from where it was held. @throws ChangeRefused */
export function resume(before: DeploymentDocument, moment: Moment): Decided {
  const { held_since, held_seconds = 0, ...rollout } = open(before, ['held']);
  const from = moment.nowMs + moment.leadMs;
  const heldMs = held_since === undefined ? 0 : Math.max(0, from - Date.parse(held_since));
  const running: Rollout = {
    ...rollout,
    phase: 'running',
    held_seconds: held_seconds + heldMs / 1000,
    effective_at: iso(from),
    reason: undefined,
    blame: undefined,
  };
  return { document: { ...before, effective_at: iso(from), rollout: running }, action: 'resume', rollout: rollout.id };
}

/** Gives the candidate another share, which from then on stays: a ramp ends. @param weight per cent @throws ChangeRefused */
export function reweigh(before: DeploymentDocument, moment: Moment, weight: number, force = false): Decided {
  const rollout = open(before, ['running', 'held']);
  if (rollout.kind === 'blue_green') {
    throw new ChangeRefused('a blue-green rollout has no share to change: roll it back, or start a canary');
  }
  if (!(weight > 0 && weight <= 100))
    throw new ChangeRefused(`weight ${weight}: expected more than 0 and at most 100, per cent`);
  const effectiveAt = iso(moment.nowMs + moment.leadMs);
  if (!force && weight > weightAt(rollout, moment.nowMs) && isCoolingDown(before, moment.nowMs)) {
    throw new ChangeRefused(
      `after a rollback no share grows until ${before.cooldown_until}; --force does it all the same`,
    );
  }
  const changed: Rollout = { ...rollout, weight, ramp: undefined, effective_at: effectiveAt };
  return {
    document: { ...before, effective_at: effectiveAt, rollout: changed },
    action: 'weight',
    rollout: rollout.id,
  };
}

/** Ends a comparison, or whatever nobody acts on: production stays. @throws ChangeRefused */
export function end(before: DeploymentDocument, moment: Moment, grounds: Grounds = {}, automatic?: string): Decided {
  const rollout = open(before, ['running', 'held'], automatic);
  const effectiveAt = iso(moment.nowMs + moment.leadMs);
  const document = {
    ...before,
    effective_at: effectiveAt,
    rollout: ended(rollout, 'ended', effectiveAt, moment, grounds),
  };
  return { document, action: 'end', rollout: rollout.id, ...grounds };
}

/** A version that must not serve, whatever names it production or candidate. @throws ChangeRefused where it is production, and nothing was before it */
export function block(before: DeploymentDocument, version: string, moment: Moment, words: string): Decided {
  const reason = { text: `blocked by hand: ${words}` };
  const quarantine = { ...before.quarantine, [version]: reason.text };
  if (isOpen(before.rollout) && before.rollout.candidate === version) {
    const decided = rollback(before, moment, { reason });
    return { ...decided, action: 'block', document: { ...decided.document, quarantine } };
  }
  const { production, previous, ...others } = before.aliases;
  if (production !== version) return { document: { ...before, quarantine }, action: 'block', reason, isUrgent: true };
  if (previous === undefined || previous === version || before.quarantine[previous] !== undefined) {
    throw new ChangeRefused(`${version} is production, and there is no previous version: promote another one first`);
  }
  const document = { ...before, effective_at: undefined, quarantine, aliases: { ...others, production: previous } };
  return { document, action: 'block', reason, isUrgent: true };
}

/** @throws ChangeRefused where it is in no quarantine */
export function unblock(before: DeploymentDocument, version: string): Decided {
  const { [version]: why, ...quarantine } = before.quarantine;
  if (why === undefined) throw new ChangeRefused(`${version} is not blocked`);
  return { document: { ...before, quarantine }, action: 'unblock', reason: { text: why } };
}

function ended(rollout: Rollout, phase: Phase, effectiveAt: string, { nowMs }: Moment, grounds: Grounds): Rollout {
  const told = { reason: said(grounds), blame: grounds.reason?.blame };
  return { ...rollout, phase, effective_at: effectiveAt, ended_at: iso(nowMs), ...told };
}

function said({ reason }: Grounds): string | undefined {
  return reason?.trigger ?? reason?.text;
}

/** Where production points to `to`, and `previous` to what it was. */
function moved({ aliases }: DeploymentDocument, to: string, from: string): Record<string, string> {
  return { ...withoutProduction(aliases), production: to, previous: from };
}

function returned({ aliases }: DeploymentDocument, { baseline, candidate }: Rollout): Record<string, string> {
  if (productionOf(aliases) !== candidate) return { ...aliases };
  const { previous: _, ...others } = withoutProduction(aliases);
  return { ...others, production: baseline };
}

/** Names are read in any letter case. */
function withoutProduction(aliases: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(aliases).filter(([alias]) => alias.toLowerCase() !== 'production'));
}

export function productionOf(aliases: Readonly<Record<string, string>>): string | undefined {
  return Object.entries(aliases).find(([alias]) => alias.toLowerCase() === 'production')?.[1];
}

function promotedJustNow({ rollout, aliases }: DeploymentDocument, { nowMs }: Moment): Rollout {
  if (rollout?.phase !== 'promoted') throw new ChangeRefused('no rollout is running, and none was promoted');
  if (productionOf(aliases) !== rollout.candidate) {
    throw new ChangeRefused(
      `production has moved on since ${rollout.id} was promoted: use \`hubscore models rollback\``,
    );
  }
  if (rollout.ended_at === undefined || nowMs - Date.parse(rollout.ended_at) > RETURN_MS) {
    throw new ChangeRefused(`${rollout.id} was promoted more than 24 h ago: use \`hubscore models rollback\``);
  }
  return rollout;
}
