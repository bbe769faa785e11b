/** A JSON value's type in words, for messages: types and counts, never the value itself. */
export function nameOfType(value: unknown): string {
  if (value === null || value === undefined) return 'null';
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'string') return value === '' ? 'an empty text' : 'text';
  if (typeof value === 'object') return 'an object';
  if (typeof value === 'boolean') return String(value);
  return `a ${typeof value}`;
}

/** `[N,1,8,8]`, as people write a shape; dynamic dimensions as `?`. */
export function nameOfShape(dims: readonly (number | null)[]): string {
  return `[${dims.map(size => size ?? '?').join(',')}]`;
}
