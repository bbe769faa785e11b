import type { RawNumber } from '../../core/request.ts';

type Reviver = (this: unknown, key: string, value: unknown, context: { readonly source?: string }) => unknown;
const parseWithSource = JSON.parse as (text: string, reviver: Reviver) => unknown;
const { rawJSON } = JSON as unknown as { rawJSON(text: string): RawNumber };

/** JSON whose whole numbers beyond 2^53 keep their digits: for ids and what is copied, not for features. Takes several times as long as JSON.parse. */
export function parseExact(text: string): unknown {
  return parseWithSource(text, (_, value, { source }) =>
    source !== undefined && isInexact(value) ? rawJSON(source) : value,
  );
}

export function isInexact(value: unknown): boolean {
  return typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value);
}
