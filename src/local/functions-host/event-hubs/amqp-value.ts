/** A place in a buffer; reading moves it on. */
export interface Cursor {
  readonly buffer: Buffer;
  at: number;
  /** How many elements without bytes it may still hold. */
  empties?: number;
}

/** A value as AMQP 1.0 has it: numbers (64 bits may lose precision past 2^53, as JSON would), text, Date for a timestamp, Buffer for binary. */
export type AmqpValue = null | boolean | number | string | Date | Buffer | AmqpValue[] | AmqpMap | Described;
export interface AmqpMap {
  [key: string]: AmqpValue;
}
export interface Described {
  readonly descriptor: AmqpValue;
  readonly value: AmqpValue;
}

/** Deeper than anything that an event says of itself. */
const MAX_DEPTH = 64;
/** What .NET's DateTime holds: the years 1 to 9999. */
const [EARLIEST_MS, LATEST_MS] = [-62_135_596_800_000, 253_402_300_799_999];
const LAST_CODE_POINT = 0x10ffff;

/**
 * Reads one value in the AMQP 1.0 type encoding (part 1 of the specification). An event must not stop its partition for ever, so what no
 * value can be made of is read as nothing: null, an empty list or an empty map where counts, types or nesting are impossible, U+FFFD for a
 * character that there is not, the nearest time of .NET's for one outside them.
 * @throws RangeError where the value ends behind its bytes.
 */
export function readValue(cursor: Cursor, depth = 0): AmqpValue {
  if (depth > MAX_DEPTH) {
    skipValue(cursor);
    return null;
  }
  const code = cursor.buffer[cursor.at++];
  if (code === undefined) throw new RangeError('AMQP value ends early');
  if (code === 0) return { descriptor: readValue(cursor, depth + 1), value: readValue(cursor, depth + 1) };
  return readBody(cursor, code, depth);
}

function readBody(cursor: Cursor, code: number, depth: number): AmqpValue {
  const { buffer, at } = cursor;
  switch (code) {
    case 0x40:
      return null;
    case 0x41:
      return true;
    case 0x42:
      return false;
    case 0x43:
    case 0x44:
      return 0;
    case 0x45:
      return [];
    case 0x50:
    case 0x52:
    case 0x53:
      cursor.at += 1;
      return buffer.readUInt8(at);
    case 0x51:
    case 0x54:
    case 0x55:
      cursor.at += 1;
      return buffer.readInt8(at);
    case 0x56:
      cursor.at += 1;
      return buffer.readUInt8(at) !== 0;
    case 0x60:
      cursor.at += 2;
      return buffer.readUInt16BE(at);
    case 0x61:
      cursor.at += 2;
      return buffer.readInt16BE(at);
    case 0x70:
      cursor.at += 4;
      return buffer.readUInt32BE(at);
    case 0x71:
      cursor.at += 4;
      return buffer.readInt32BE(at);
    case 0x72:
      cursor.at += 4;
      return buffer.readFloatBE(at);
    case 0x73:
      cursor.at += 4;
      return toCharacter(buffer.readUInt32BE(at));
    case 0x80:
      cursor.at += 8;
      return buffer.readUInt32BE(at) * 2 ** 32 + buffer.readUInt32BE(at + 4);
    case 0x81:
      cursor.at += 8;
      return readLong(buffer, at);
    case 0x82:
      cursor.at += 8;
      return buffer.readDoubleBE(at);
    case 0x83:
      cursor.at += 8;
      return new Date(Math.min(Math.max(readLong(buffer, at), EARLIEST_MS), LATEST_MS));
    case 0x98:
      cursor.at += 16;
      return buffer.toString('hex', at, at + 16).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
    case 0xa0:
    case 0xa1:
    case 0xa3:
      return readVariable(cursor, code, 1);
    case 0xb0:
    case 0xb1:
    case 0xb3:
      return readVariable(cursor, code, 4);
    case 0xc0:
    case 0xd0:
      return readList(cursor, code === 0xc0 ? 1 : 4, depth);
    case 0xc1:
    case 0xd1:
      return readMap(cursor, code === 0xc1 ? 1 : 4, depth);
    case 0xe0:
    case 0xf0:
      return readArray(cursor, code === 0xe0 ? 1 : 4, depth);
    default:
      return skipOpaque(cursor, code);
  }
}

/** A long; exact up to 2^53. */
export function readLong(buffer: Buffer, at: number): number {
  return buffer.readInt32BE(at) * 2 ** 32 + buffer.readUInt32BE(at + 4);
}

function readSize(cursor: Cursor, width: 1 | 4): number {
  const size = width === 1 ? cursor.buffer.readUInt8(cursor.at) : cursor.buffer.readUInt32BE(cursor.at);
  cursor.at += width;
  return size;
}

function readVariable(cursor: Cursor, code: number, width: 1 | 4): string | Buffer {
  const size = readSize(cursor, width);
  const start = cursor.at;
  cursor.at += size;
  if (cursor.at > cursor.buffer.length) throw new RangeError('AMQP value ends early');
  const kind = code & 0x0f;
  if (kind === 0) return cursor.buffer.subarray(start, cursor.at);
  return cursor.buffer.toString(kind === 1 ? 'utf8' : 'latin1', start, cursor.at);
}

/** Where a list, a map or an array ends by its size. */
function endOf(cursor: Cursor, width: 1 | 4): number {
  const size = readSize(cursor, width);
  const end = cursor.at + size;
  if (end > cursor.buffer.length) throw new RangeError('AMQP value ends early');
  return end;
}

function readList(cursor: Cursor, width: 1 | 4, depth: number): AmqpValue[] {
  const end = endOf(cursor, width);
  let items: AmqpValue[] = [];
  try {
    const count = readSize(cursor, width);
    if (count <= end - cursor.at) for (let i = 0; i < count; i++) items.push(readValue(cursor, depth + 1));
    if (cursor.at > end) items = [];
  } catch (error) {
    items = [];
    rethrowOthers(error);
  }
  cursor.at = end;
  return items;
}

function readMap(cursor: Cursor, width: 1 | 4, depth: number): AmqpMap {
  const end = endOf(cursor, width);
  let map: AmqpMap = {};
  try {
    const count = readSize(cursor, width);
    if (count <= end - cursor.at) {
      for (let i = 0; i < count; i += 2) {
        const key = readValue(cursor, depth + 1);
        const value = readValue(cursor, depth + 1);
        // Those that cannot be an object's: `__proto__` would give it another's methods.
        if (typeof key === 'string' ? key !== '__proto__' : typeof key !== 'object') map[String(key)] = value;
      }
    }
    if (cursor.at > end) map = {};
  } catch (error) {
    map = {};
    rethrowOthers(error);
  }
  cursor.at = end;
  return map;
}

function readArray(cursor: Cursor, width: 1 | 4, depth: number): AmqpValue[] | null {
  const end = endOf(cursor, width);
  let items: AmqpValue[] | null = null;
  try {
    items = readElements(cursor, readSize(cursor, width), end, depth);
    if (cursor.at > end) items = null;
  } catch (error) {
    items = null;
    rethrowOthers(error);
  }
  cursor.at = end;
  return items;
}

/** What is read behind the end of the bytes, or of a type that there is not, is a RangeError. */
function rethrowOthers(error: unknown): void {
  if (!(error instanceof RangeError)) throw error;
}

function readElements(cursor: Cursor, count: number, end: number, depth: number): AmqpValue[] | null {
  let code = readSize(cursor, 1);
  if (code === 0) {
    skipValue(cursor); // one descriptor for all elements
    code = readSize(cursor, 1);
  }
  if (code >> 4 === 4) {
    // 2^31 nulls in 10 bytes: of elements without bytes an event holds as many as it has bytes.
    cursor.empties = (cursor.empties ?? cursor.buffer.length) - count;
    if (cursor.empties < 0) return null;
  } else if (count > end - cursor.at) return null;
  if (depth >= MAX_DEPTH) return null;
  const items: AmqpValue[] = [];
  for (let i = 0; i < count; i++) items.push(readBody(cursor, code, depth + 1));
  return items;
}

function toCharacter(code: number): string {
  return code > LAST_CODE_POINT ? '\uFFFD' : String.fromCodePoint(code);
}

/** Types without a counterpart (decimals) as their bytes, where the high half of the code tells their width; those that there are not as null. */
function skipOpaque(cursor: Cursor, code: number): Buffer | null {
  if (code < 0x40) throw new RangeError(`AMQP type 0x${code.toString(16)} is unknown`);
  const width = FIXED_WIDTHS[(code >> 4) - 4];
  const start = cursor.at;
  if (width === undefined) {
    cursor.at--;
    skipValue(cursor);
    return null;
  }
  cursor.at += width;
  if (cursor.at > cursor.buffer.length) throw new RangeError('AMQP value ends early');
  return cursor.buffer.subarray(start, cursor.at);
}

/** By the high half of a constructor, from 0x4 on. */
const FIXED_WIDTHS = [0, 1, 2, 4, 8, 16];

/** Moves past one value without reading it. */
export function skipValue(cursor: Cursor): void {
  // A descriptor is a value itself: counted, since an event may hold as many as it likes.
  for (let values = 1; values > 0; ) {
    const code = cursor.buffer[cursor.at++];
    if (code === undefined) throw new RangeError('AMQP value ends early');
    if (code === 0) {
      values++;
      continue;
    }
    values--;
    const kind = code >> 4;
    if (kind >= 0xa) {
      const size = readSize(cursor, kind % 2 === 0 ? 1 : 4);
      cursor.at += size;
    } else cursor.at += FIXED_WIDTHS[kind - 4] ?? 0;
  }
}
