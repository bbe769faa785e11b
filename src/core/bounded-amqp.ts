/** Of rhea, which @azure/event-hubs and rhea-promise read AMQP with, what is bounded here; its version is pinned. */
export interface Rhea {
  readonly types: {
    readonly by_code: Readonly<Record<number, unknown>>;
    readonly Reader: (new (bytes: Buffer) => Reader) & { readonly prototype: Reader };
    described_nc(descriptor: unknown, value: unknown): unknown;
    wrap_list(items: []): unknown;
    wrap_map(entries: object): unknown;
    Null(): unknown;
  };
  readonly message: { decode(bytes: Buffer): unknown };
}

interface Type {
  readonly typecode: number;
  readonly width: number;
}

interface Reader {
  readonly buffer: Buffer;
  position: number;
  remaining(): number;
  read(): unknown;
  read_typecode(): number;
  read_constructor(): { readonly typecode: number; readonly descriptor?: unknown };
  read_value(type: unknown): unknown;
  read_compound(type: Type): { value: { readonly value: unknown }[] };
  read_array(type: Type): unknown;
  read_n(count: number): unknown[];
  read_array_items(count: number, type: { readonly width: number }): unknown[];
  /** Ours: how deep it is, and how many elements without bytes it may still take. */
  depth?: number;
  empties?: number;
}

/** No request is nested so deeply; each level takes four frames of the stack. */
const MAX_DEPTH = 64;
/** By the high half of a constructor (AMQP 1.0, part 1.2). */
const FIXED_WIDTHS: Readonly<Record<number, number>> = { 4: 0, 5: 1, 6: 2, 7: 4, 8: 8, 9: 16 };

const bounded = new WeakSet<object>();

/**
 * Has rhea read a value whose count its bytes cannot hold, that is nested without end, or whose type there is not, as nothing: as null, an empty
 * list or an empty map. By itself it makes room for as many elements as anybody who may send claims (2^31 nulls in 15 bytes), or ends the
 * connection, over and over at the same event. Of elements without bytes, a message holds as many as it has bytes.
 */
export function boundAmqp({ types, message }: Rhea): void {
  const reader = types.Reader.prototype;
  if (bounded.has(reader)) return;
  bounded.add(reader);
  const { read_compound, read_array, read_n, read_array_items } = reader;
  reader.read = function () {
    const depth = this.depth ?? 0;
    if (depth >= MAX_DEPTH) {
      this.position = behind(this.buffer, this.position);
      return types.Null();
    }
    this.depth = depth + 1;
    try {
      const { typecode, descriptor } = this.read_constructor();
      const value = readOrSkip(this, types, typecode);
      return descriptor === undefined ? value : types.described_nc(descriptor, value);
    } finally {
      this.depth = depth;
    }
  };
  // rhea calls itself for each further descriptor, of which a megabyte holds as many as it likes.
  reader.read_constructor = function () {
    let descriptor: unknown;
    let typecode = this.read_typecode();
    for (; typecode === 0; typecode = this.read_typecode()) {
      const read = this.read();
      descriptor ??= read;
    }
    return { typecode, descriptor };
  };
  reader.read_compound = function (type) {
    const read = withinSize(this, type, () => read_compound.call(this, type));
    if (isMap(type.typecode)) read.value = withPlainKeys(read.value);
    return read;
  };
  reader.read_array = function (type) {
    return withinSize(this, type, () => read_array.call(this, type));
  };
  reader.read_n = function (count) {
    check(count, this.remaining());
    return read_n.call(this, count);
  };
  reader.read_array_items = function (count, type) {
    if (type.width > 0) check(count, Math.floor(this.remaining() / type.width));
    else {
      const most = this.empties ?? this.buffer.length;
      check(count, most);
      this.empties = most - count;
    }
    const depth = this.depth ?? 0;
    if (depth >= MAX_DEPTH) throw new RangeError(`AMQP values nested more than ${MAX_DEPTH} deep`);
    this.depth = depth + 1;
    const items = read_array_items.call(this, count, type);
    this.depth = depth;
    return items;
  };
  const { decode } = message;
  message.decode = bytes => {
    try {
      return withTimes(decode(bytes));
    } catch {
      return withTimes(decode(Buffer.concat(soundSections(bytes, types.Reader, decode))));
    }
  };
}

/** Less what stands where a time belongs and is none: the SDK would fail on it, at the same event for ever. */
function withTimes(read: unknown): unknown {
  const properties = read as Record<string, unknown>;
  for (const name of ['absolute_expiry_time', 'creation_time'])
    if (properties[name] !== undefined && !(properties[name] instanceof Date)) delete properties[name];
  return read;
}

/** The sections of a message that can be read, each by itself: properties that are no map are left out, body and annotations stay. */
function soundSections(
  bytes: Buffer,
  Reader: Rhea['types']['Reader'],
  decode: (bytes: Buffer) => unknown,
): readonly Buffer[] {
  const sound: Buffer[] = [];
  const reader = new Reader(bytes);
  try {
    while (reader.remaining() > 0) {
      const start = reader.position;
      reader.read();
      const section = bytes.subarray(start, reader.position);
      if (isSound(section, decode)) sound.push(section);
    }
  } catch {
    // What follows cannot be told apart.
  }
  return sound;
}

function isSound(section: Buffer, decode: (bytes: Buffer) => unknown): boolean {
  try {
    decode(section);
    return true;
  } catch {
    return false;
  }
}

/**
 * Goes on behind a value where its size says, as everybody else does: rhea goes on behind its last element, so that what a list holds beyond its count
 * would be read as the message's next section, annotations of the service's among them.
 */
function withinSize<T>(reader: Reader, { width }: Type, read: () => T): T {
  const start = reader.position;
  const end = start + width + (width === 1 ? reader.buffer.readUInt8(start) : reader.buffer.readUInt32BE(start));
  const value = read();
  if (reader.position > end) throw new RangeError('an AMQP value is longer than it says');
  reader.position = end;
  return value;
}

const isMap = (typecode: number) => typecode === 0xc1 || typecode === 0xd1;

/** The entries, keys and values in turn, that can be those of an object: not `__proto__`, which would give it another's methods, and no lists or maps as keys. */
function withPlainKeys<T extends { readonly value: unknown }>(entries: readonly T[]): T[] {
  const isPlain = ({ value }: T) => {
    if (typeof value === 'object' && value !== null && !Buffer.isBuffer(value)) return false;
    return String(value) !== '__proto__';
  };
  return entries.filter((_, i) => isPlain(entries[i - (i % 2)] as T));
}

function readOrSkip(reader: Reader, types: Rhea['types'], typecode: number): unknown {
  const start = reader.position;
  const { depth } = reader;
  try {
    const type = types.by_code[typecode];
    if (type === undefined) throw new RangeError(`AMQP type ${typecode} is unknown`);
    return reader.read_value(type);
  } catch {
    reader.depth = depth ?? 0;
    reader.position = behindBody(reader.buffer, start, typecode);
    return nothing(types, typecode);
  }
}

function check(count: number, most: number): void {
  if (count > most) throw new RangeError(`${count} AMQP elements where the bytes hold ${most} at most`);
}

/** Where a value with its descriptors ends by its sizes. @throws RangeError where that is behind the end. */
function behind(buffer: Buffer, start: number): number {
  let at = start;
  for (let values = 1; values > 0; ) {
    const typecode = buffer.readUInt8(at++);
    if (typecode === 0) values++;
    else {
      at = behindBody(buffer, at, typecode);
      values--;
    }
  }
  return at;
}

function behindBody(buffer: Buffer, start: number, typecode: number): number {
  const kind = typecode >>> 4;
  let end = start + (FIXED_WIDTHS[kind] ?? 0);
  if (kind < 4) throw new RangeError(`AMQP type ${typecode} is unknown`);
  if (kind >= 0xa) end = kind % 2 === 0 ? start + 1 + buffer.readUInt8(start) : start + 4 + buffer.readUInt32BE(start);
  if (end > buffer.length) throw new RangeError('an AMQP value ends behind its message');
  return end;
}

function nothing(types: Rhea['types'], typecode: number): unknown {
  if (isMap(typecode)) return types.wrap_map({});
  return typecode === 0xc0 || typecode === 0xd0 ? types.wrap_list([]) : types.Null();
}
