import type { Clock } from '../core/log.ts';

/** What looks into storage have shown not to be there, so that one producer with a misspelt name does not have a look made for each of its events. */
export interface Absences {
  /** Two looks, one soon after the other, have shown it absent just now: another would tell nothing new. */
  has(asked: string): boolean;
  /** A look, by its number, has shown it absent. */
  shown(asked: string, look: number): void;
}

interface Absence {
  readonly look: number;
  readonly atMs: number;
  readonly untilMs: number;
}

const BETWEEN_LOOKS_MS = 10_000;
const REMEMBERED_MS = 5_000;
/** Names come from producers. */
const MAX_NAMES = 1_000;

export function createAbsences(clock: Clock): Absences {
  const absences = new Map<string, Absence>();
  return {
    has: asked => (absences.get(asked)?.untilMs ?? 0) > clock(),
    shown(asked, look) {
      const before = absences.get(asked);
      // One look is one however many asked for it.
      if (before?.look === look) return;
      const atMs = clock();
      const untilMs = before && atMs - before.atMs <= BETWEEN_LOOKS_MS ? atMs + REMEMBERED_MS : 0;
      absences.delete(asked);
      absences.set(asked, { look, atMs, untilMs });
      if (absences.size <= MAX_NAMES) return;
      for (const oldest of absences.keys()) {
        absences.delete(oldest);
        return;
      }
    },
  };
}
