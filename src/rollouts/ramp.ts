import type { Rollout } from './document.ts';
import { durationMs } from './durations.ts';

type Timed = Pick<Rollout, 'started_at' | 'held_seconds' | 'held_since' | 'phase'>;

/** How long a rollout has run by a time, milliseconds since the epoch, the time it was held left out. */
export function ranMs({ started_at, held_seconds = 0, held_since, phase }: Timed, atMs: number): number {
  const now = phase === 'held' && held_since !== undefined ? Math.min(atMs, Date.parse(held_since)) : atMs;
  return Math.max(0, now - Date.parse(started_at) - held_seconds * 1000);
}

/** The candidate's share at a time, per cent: a formula, so that every instance has the same without anybody writing it. */
export function weightAt(rollout: Timed & Pick<Rollout, 'weight' | 'ramp'>, atMs: number): number {
  return weights(rollout)(atMs);
}

/** When its duration is over, milliseconds since the epoch; undefined while it is held, as nobody knows. */
export function endsAtMs(rollout: Timed & Pick<Rollout, 'duration'>): number | undefined {
  if (rollout.phase === 'held') return undefined;
  const { started_at, held_seconds = 0, duration } = rollout;
  return Date.parse(started_at) + held_seconds * 1000 + (durationMs(duration) as number);
}

/** `weightAt` of one rollout, worked out once: it is asked for every event. */
export function weights(rollout: Timed & Pick<Rollout, 'weight' | 'ramp'>): (atMs: number) => number {
  if (rollout.ramp === undefined) return () => rollout.weight;
  const { start, step, every } = rollout.ramp;
  const everyMs = durationMs(every) as number;
  const fromMs = Date.parse(rollout.started_at) + (rollout.held_seconds ?? 0) * 1000;
  const isHeld = rollout.phase === 'held' && rollout.held_since !== undefined;
  const untilMs = isHeld ? Date.parse(rollout.held_since as string) : Number.POSITIVE_INFINITY;
  return atMs => Math.min(100, start + step * Math.floor(Math.max(0, Math.min(atMs, untilMs) - fromMs) / everyMs));
}
