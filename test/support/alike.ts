import { expect } from 'vitest';

/** Equal but for the last digits of numbers: the runtime sums a single row in another order than many. */
function isAlike(one: unknown, other: unknown): boolean {
  if (typeof one === 'number' && typeof other === 'number')
    return Math.abs(one - other) <= 1e-5 * Math.max(1, Math.abs(one));
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null) return one === other;
  const [keys, others] = [Object.keys(one), Object.keys(other)];
  if (keys.join() !== others.join()) return false;
  return keys.every(key => isAlike((one as Record<string, unknown>)[key], (other as Record<string, unknown>)[key]));
}

/** Fails with the first that differs. */
export function expectAlike(actual: readonly unknown[], expected: readonly unknown[]): void {
  const wrong = expected.findIndex((one, i) => !isAlike(actual[i], one));
  if (wrong >= 0 || actual.length !== expected.length) expect(actual[wrong]).toEqual(expected[wrong]);
  expect(actual).toHaveLength(expected.length);
}
