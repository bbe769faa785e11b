/** Shapes of what an instance gives for a tensor, held against the dimensions (less the batch) that the model declares; `null` is dynamic. */
export type Tail = readonly (number | null)[];

/** No model input has more; deeper nesting is not looked into. */
const MAX_RANK = 16;

/** Lengths along the first elements; a scalar has none. */
export function shapeOf(value: unknown): readonly number[] {
  const dims: number[] = [];
  let inner = value;
  while (Array.isArray(inner) && dims.length <= MAX_RANK) {
    dims.push(inner.length);
    inner = inner[0];
  }
  return dims;
}

/** Elements a row takes; undefined where a dimension is dynamic. */
export function countOf(tail: Tail): number | undefined {
  let count = 1;
  for (const size of tail) {
    if (size === null) return undefined;
    count *= size;
  }
  return count;
}

/**
 * The dimensions that a value of shape `dims` has as a row of `tail`; undefined where it is none. It may be nested as the tail is, with or
 * without dimensions of 1, or flat in row-major order where at most one dimension is dynamic.
 */
export function rowDims(dims: readonly number[], tail: Tail): readonly number[] | undefined {
  if (nests(dims, tail)) return dims;
  const open = tail.filter(size => size === null).length;
  if (dims.length === 1 || (dims.length === 0 && open === 0)) {
    const count = dims[0] ?? 1;
    const fixed = tail.reduce<number>((product, size) => product * (size ?? 1), 1);
    const free = count / fixed;
    if (open === 0 ? count === fixed : open === 1 && Number.isInteger(free)) return tail.map(size => size ?? free);
  }
  const squeezed = tail.filter(size => size !== 1);
  if (!nests(dims, squeezed)) return undefined;
  let next = 0;
  return tail.map(size => (size === 1 ? 1 : (dims[next++] as number)));
}

function nests(dims: readonly number[], tail: Tail): boolean {
  return dims.length === tail.length && tail.every((size, axis) => size === null || size === dims[axis]);
}

/** The elements of a value of shape `dims`, row-major; undefined where its lists are not all as long as the first. */
export function flatten(value: unknown, dims: readonly number[]): readonly unknown[] | undefined {
  if (dims.length === 0) return [value];
  const list = value as readonly unknown[];
  if (dims.length === 1) return list;
  const flat: unknown[] = [];
  return append(list, dims, 0, flat) ? flat : undefined;
}

function append(value: unknown, dims: readonly number[], axis: number, into: unknown[]): boolean {
  if (axis === dims.length) {
    into.push(value);
    return true;
  }
  if (!Array.isArray(value) || value.length !== dims[axis]) return false;
  return value.every(item => append(item, dims, axis + 1, into));
}

/** Flat elements as nested lists of a shape. */
export function nest(flat: readonly unknown[], dims: readonly number[]): unknown {
  if (dims.length === 0) return flat[0];
  if (dims.length === 1) return flat;
  const [size = 0, ...inner] = dims;
  const step = flat.length / (size || 1);
  return Array.from({ length: size }, (_, i) => nest(flat.slice(i * step, (i + 1) * step), inner));
}
