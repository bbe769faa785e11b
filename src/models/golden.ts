import { asError } from '../core/errors.ts';

/** A request with the answer that it must have, as a line of golden.ndjson: a request's fields, and under `expected` those of a result that are to be compared. */
export interface GoldenRow {
  /** From 1. */
  readonly line: number;
  /** JSON of the request alone. */
  readonly request: string;
  readonly expected: Readonly<Record<string, unknown>>;
}

/** Beside a model's file; immutable. */
export const GOLDEN_FILE = 'golden.ndjson';
/** How far a probability may be off, and a number by its size. */
export const GOLDEN_TOLERANCE = 1e-4;
const MAX_ROWS = 10_000;

/** @throws Error that names the file and the line */
export function parseGolden(text: string, file: string): readonly GoldenRow[] {
  const rows: GoldenRow[] = [];
  for (const [i, content] of text
    .replace(/^\uFEFF/, '')
    .split('\n')
    .entries()) {
    if (content.trim() === '') continue;
    const line = i + 1;
    let value: Record<string, unknown>;
    try {
      value = JSON.parse(content) as typeof value;
    } catch (thrown) {
      throw new Error(`${file}:${line}: not JSON: ${asError(thrown).message}`, { cause: thrown });
    }
    const { expected, ...request } = value;
    if (expected === null || typeof expected !== 'object' || Object.keys(expected).length === 0) {
      throw new Error(`${file}:${line}: expected a request with "expected": {"prediction": …}`);
    }
    rows.push({ line, request: JSON.stringify(request), expected: expected as Record<string, unknown> });
    if (rows.length > MAX_ROWS) throw new Error(`${file}: more than ${MAX_ROWS} rows`);
  }
  if (rows.length === 0) throw new Error(`${file}: no rows`);
  return rows;
}

/** Where an answer is another than expected, as `probabilities.Yes: expected 0.73, came 0.71`; undefined: nowhere. Labels are equal, numbers within the tolerance. */
export function difference(expected: unknown, came: unknown, path = ''): string | undefined {
  if (typeof expected === 'number' && typeof came === 'number') {
    const isLabel = path === 'prediction' && Number.isInteger(expected) && Number.isInteger(came);
    const within = isLabel ? 0 : GOLDEN_TOLERANCE * Math.max(1, Math.abs(expected));
    return Math.abs(expected - came) <= within ? undefined : said(path, expected, came);
  }
  if (expected !== null && typeof expected === 'object') {
    if (came === null || typeof came !== 'object') return said(path, expected, came);
    if (Array.isArray(expected) && expected.length !== (came as unknown[]).length) return said(path, expected, came);
    for (const [name, value] of Object.entries(expected)) {
      const found = difference(value, (came as Record<string, unknown>)[name], path === '' ? name : `${path}.${name}`);
      if (found !== undefined) return found;
    }
    return undefined;
  }
  return expected === came ? undefined : said(path, expected, came);
}

function said(path: string, expected: unknown, came: unknown): string {
  const show = (value: unknown) => JSON.stringify(value)?.slice(0, 80) ?? 'nothing';
  return `${path}: expected ${show(expected)}, came ${show(came)}`;
}
