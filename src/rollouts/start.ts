import { ChangeRefused, type Decided } from './change.ts';
import { isCoolingDown, type Moment, productionOf } from './decisions.ts';
import {
  type DeploymentDocument,
  isOpen,
  type OnUndecided,
  type Ramp,
  type Rollout,
  type RolloutKind,
} from './document.ts';
import { durationMs } from './durations.ts';
import { type Trigger, triggersOf } from './triggers.ts';

/** What a rollout is started with; what is left out has a default, by kind. */
export interface StartRequest {
  readonly id: string;
  readonly candidate: string;
  readonly kind: RolloutKind;
  readonly weight?: number | undefined;
  readonly duration?: string | undefined;
  readonly onUndecided?: OnUndecided | undefined;
  readonly alpha?: number | undefined;
  readonly triggers: readonly Trigger[];
  readonly segments: readonly string[];
  readonly ramp?: Ramp | undefined;
  /** A version in quarantine, too; and the cooldown ends. */
  readonly force: boolean;
}

const DEFAULTS: Record<RolloutKind, Pick<Rollout, 'weight' | 'duration' | 'on_undecided' | 'ramp'>> = {
  canary: { weight: 5, duration: '24h', on_undecided: 'hold' },
  blue_green: { weight: 100, duration: '1h', on_undecided: 'promote' },
  segments: { weight: 10, duration: '70d', on_undecided: 'hold', ramp: { start: 10, step: 10, every: '7d' } },
  ab: { weight: 50, duration: '7d', on_undecided: 'hold' },
};

const RAMP = /^(\d+(?:\.\d+)?)\+(\d+(?:\.\d+)?)\/(\S+)$/;

/** `10+10/7d`: ten per cent, and ten more every seven days. @throws Error that says what is expected */
export function parseRamp(text: string): Ramp {
  const [, start, step, every] = RAMP.exec(text.trim()) ?? [];
  const ramp = { start: Number(start), step: Number(step), every: every ?? '' };
  const isGood = ramp.start > 0 && ramp.start <= 100 && ramp.step > 0 && (durationMs(ramp.every) ?? 0) > 0;
  if (!isGood)
    throw new Error(
      `ramp ${JSON.stringify(text)}: expected such as 10+10/7d, ten per cent and ten more every seven days`,
    );
  return ramp;
}

/** Begins a rollout, announced by the lead. @throws ChangeRefused where it must not begin */
export function start(before: DeploymentDocument, request: StartRequest, { nowMs, leadMs }: Moment): Decided {
  const { id, candidate, kind, triggers, segments, force } = request;
  const baseline = productionOf(before.aliases);
  if (baseline === undefined) throw new ChangeRefused('which version is production no alias says: pin it first');
  if (isOpen(before.rollout)) {
    const { id, candidate, phase } = before.rollout;
    throw new ChangeRefused(`rollout ${id} of ${candidate} is ${phase}: promote it or roll it back first`);
  }
  if (candidate === baseline) throw new ChangeRefused(`${candidate} is production already`);
  const why = before.quarantine[candidate];
  if (why !== undefined && !force)
    throw new ChangeRefused(`${candidate} is in quarantine (${why}); --force starts it all the same`);
  const defaults = DEFAULTS[kind];
  const ramp = request.ramp ?? (request.weight === undefined ? defaults.ramp : undefined);
  const weight = request.weight ?? ramp?.start ?? defaults.weight;
  check(request, weight);
  const effectiveAt = new Date(nowMs + leadMs).toISOString();
  const rollout: Rollout = {
    id,
    kind,
    phase: 'running',
    candidate,
    baseline,
    weight,
    started_at: effectiveAt,
    effective_at: effectiveAt,
    duration: request.duration ?? defaults.duration,
    on_undecided: request.onUndecided ?? defaults.on_undecided,
    alpha: request.alpha ?? 0.05,
    triggers: triggersOf(triggers),
    segments: segments.length > 0 ? segments : undefined,
    ramp,
  };
  const { [candidate]: _, ...quarantine } = before.quarantine;
  const switched =
    kind === 'blue_green'
      ? { ...dropProduction(before.aliases), production: candidate, previous: baseline }
      : undefined;
  const document: DeploymentDocument = {
    ...before,
    effective_at: effectiveAt,
    aliases: switched ?? before.aliases,
    rollout,
    quarantine: force ? quarantine : before.quarantine,
    cooldown_until: !force && isCoolingDown(before, nowMs) ? before.cooldown_until : undefined,
  };
  const reason = why === undefined ? undefined : { text: `forced out of quarantine: ${why}` };
  return { document, action: 'start', rollout: id, reason };
}

function check({ kind, segments, duration, ramp, weight: asked }: StartRequest, weight: number): void {
  if (!(weight > 0 && weight <= 100))
    throw new ChangeRefused(`weight ${weight}: expected more than 0 and at most 100, per cent`);
  if (kind === 'segments' && segments.length === 0) throw new ChangeRefused('a rollout by segments needs --segment');
  if (kind === 'blue_green' && (weight !== 100 || ramp !== undefined || segments.length > 0)) {
    throw new ChangeRefused(
      'a blue-green rollout takes all traffic at once: leave out weight, ramp and segments, or start a canary',
    );
  }
  if (ramp !== undefined && asked !== undefined) throw new ChangeRefused('give a weight or a ramp, not both');
  if (duration !== undefined && !((durationMs(duration) ?? 0) > 0)) {
    throw new ChangeRefused(`duration ${JSON.stringify(duration)}: expected such as 90s, 30m, 24h or 7d`);
  }
}

function dropProduction(aliases: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(aliases).filter(([alias]) => alias.toLowerCase() !== 'production'));
}
