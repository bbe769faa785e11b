import { parseExactly } from '../../core/exact-json.ts';
import type { Feature } from '../../core/model.ts';

export type JsonObject = Readonly<Record<string, unknown>>;

/** Long enough that a double may change it. */
const LONG_NUMBER = /\d{16}/;

/** Undefined where a line is no JSON object. Numbers that a double would change are texts. */
export function readObject(line: string): JsonObject | undefined {
  try {
    const value: unknown = LONG_NUMBER.test(line) ? parseExactly(line) : JSON.parse(line);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : undefined;
  } catch {
    return undefined;
  }
}

/** The features stand in a member of their own, as in a request. */
export function isNested(object: JsonObject, features: readonly Feature[]): boolean {
  return (
    typeof object.features === 'object' && object.features !== null && !features.some(({ name }) => name === 'features')
  );
}
