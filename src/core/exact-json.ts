/** `JSON.parse` hands its reviver the source text of a primitive; the language library of our target does not declare it yet. */
type Reviver = (this: unknown, key: string, value: unknown, context: { readonly source?: string }) => unknown;
const parseWithSource = JSON.parse as (text: string, reviver: Reviver) => unknown;

/** Decimal digits that every double keeps. */
const SURE_DIGITS = 15;

/** Parses JSON; a number that a double would change (12345678901234567890, 1e400) becomes the text it was written as. @throws SyntaxError */
export function parseExactly(text: string): unknown {
  return parseWithSource(text, (_, value, { source }) =>
    typeof value === 'number' && source !== undefined && !isKept(value, source) ? source : value,
  );
}

function isKept(value: number, source: string): boolean {
  if (String(value) === source) return true;
  if (!Number.isFinite(value)) return false;
  const [mantissa = ''] = source.split(/e/i);
  const digits = mantissa.replace(/[-.]/g, '').replace(/^0+|0+$/g, '');
  return digits.length <= SURE_DIGITS && (value !== 0 || digits === '');
}
