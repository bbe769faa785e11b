import type { ErrorCode } from '../core/errors.ts';
import type { ScoredBatch } from '../core/scored-batch.ts';

const NONE: readonly number[] = [];

/** Which endings of a batch are dead letters, in order. */
export function deadLettersOf(scored: ScoredBatch): readonly number[] {
  if (scored.arms.every(({ kind }) => kind === 'result')) return NONE;
  const dead: number[] = [];
  for (let ending = 0; ending < scored.length; ending++) {
    if (scored.arm(ending).kind === 'dead-letter') dead.push(ending);
  }
  return dead;
}

export function codeOf(scored: ScoredBatch, ending: number): ErrorCode {
  return scored.arm(ending).code(scored.rowOf(ending)) ?? 'unexpected';
}

/** How many of these endings have which code. */
export function codesOf(scored: ScoredBatch, endings: readonly number[]): Partial<Record<ErrorCode, number>> {
  const counts: Partial<Record<ErrorCode, number>> = {};
  for (const ending of endings) {
    const code = codeOf(scored, ending);
    counts[code] = (counts[code] ?? 0) + 1;
  }
  return counts;
}
