/** Of rhea's decoder, what is bounded here; check-rhea.ts looks whether it is there. */
export interface RheaReader {
  readonly buffer: Buffer;
  remaining(): number;
  read_constructor(descriptors?: readonly unknown[]): unknown;
  read_n(count: number): unknown[];
  read_array_items(count: number, type: { readonly width: number }): unknown[];
}

interface BoundedReader extends RheaReader {
  /** Ours: how deep it is, and how many elements without bytes it may still take. */
  depth?: number;
  empties?: number;
}

/** Deeper than anything that a client says of itself; each level takes four frames of the stack. */
const MAX_DEPTH = 64;
/** Descriptors of one value. */
const MAX_DESCRIPTORS = 8;

/**
 * Has rhea's decoder refuse counts that the bytes cannot hold, and what is nested too deeply: it makes room for as many elements as a
 * peer claims, before anybody has signed in. An array of 2^31 nulls has 21 bytes: of elements that take none, a frame or message holds as
 * many as it has bytes.
 */
export function boundReader(reader: BoundedReader): void {
  const { read_constructor, read_n, read_array_items } = reader;
  reader.read_constructor = function (descriptors) {
    if (!descriptors) return nested(this, () => read_constructor.call(this));
    if (descriptors.length >= MAX_DESCRIPTORS) throw new RangeError('an AMQP value with too many descriptors');
    return read_constructor.call(this, descriptors);
  };
  reader.read_n = function (count) {
    check(count, this.remaining());
    return nested(this, () => read_n.call(this, count));
  };
  reader.read_array_items = function (this: BoundedReader, count, type) {
    if (type.width > 0) check(count, Math.floor(this.remaining() / type.width));
    else {
      const most = this.empties ?? this.buffer.length;
      check(count, most);
      this.empties = most - count;
    }
    return nested(this, () => read_array_items.call(this, count, type));
  };
}

function nested<T>(reader: BoundedReader, read: () => T): T {
  const depth = (reader.depth ?? 0) + 1;
  if (depth > MAX_DEPTH) throw new RangeError(`AMQP values nested more than ${MAX_DEPTH} deep`);
  reader.depth = depth;
  const value = read();
  reader.depth = depth - 1;
  return value;
}

function check(count: number, most: number): void {
  if (count > most) throw new RangeError(`${count} AMQP elements where the bytes hold ${most} at most`);
}
