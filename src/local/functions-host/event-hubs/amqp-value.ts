/** A place in a buffer; reading moves it on. */
export interface Cursor {
  readonly buffer: Buffer;
  at: number;
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

/** Reads one value in the AMQP 1.0 type encoding (part 1 of the specification). @throws Error where the bytes are none. */
export function readValue(cursor: Cursor): AmqpValue {
  const code = cursor.buffer[cursor.at++];
  if (code === undefined) throw new RangeError('AMQP value ends early');
  if (code === 0) return { descriptor: readValue(cursor), value: readValue(cursor) };
  return readBody(cursor, code);
}

function readBody(cursor: Cursor, code: number): AmqpValue {
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
      return String.fromCodePoint(buffer.readUInt32BE(at));
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
      return new Date(readLong(buffer, at));
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
      return readList(cursor, code === 0xc0 ? 1 : 4);
    case 0xc1:
    case 0xd1:
      return readMap(cursor, code === 0xc1 ? 1 : 4);
    case 0xe0:
    case 0xf0:
      return readArray(cursor, code === 0xe0 ? 1 : 4);
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

function readList(cursor: Cursor, width: 1 | 4): AmqpValue[] {
  readSize(cursor, width);
  const count = readSize(cursor, width);
  const items: AmqpValue[] = [];
  for (let i = 0; i < count; i++) items.push(readValue(cursor));
  return items;
}

function readMap(cursor: Cursor, width: 1 | 4): AmqpMap {
  readSize(cursor, width);
  const count = readSize(cursor, width);
  const map: AmqpMap = {};
  for (let i = 0; i < count; i += 2) {
    const key = String(readValue(cursor));
    map[key] = readValue(cursor);
  }
  return map;
}

function readArray(cursor: Cursor, width: 1 | 4): AmqpValue[] {
  readSize(cursor, width);
  const count = readSize(cursor, width);
  let code = readSize(cursor, 1);
  if (code === 0) {
    readValue(cursor); // one descriptor for all elements
    code = readSize(cursor, 1);
  }
  const items: AmqpValue[] = [];
  for (let i = 0; i < count; i++) items.push(readBody(cursor, code));
  return items;
}

/** Types without a counterpart (decimals) as their bytes: the high half of the code tells their width. */
function skipOpaque(cursor: Cursor, code: number): Buffer {
  const width = [0, 1, 2, 4, 8, 16][(code >> 4) - 4];
  if (width === undefined) throw new RangeError(`AMQP type 0x${code.toString(16)} is unknown`);
  const start = cursor.at;
  cursor.at += width;
  return cursor.buffer.subarray(start, cursor.at);
}

/** Moves past one value without reading it. */
export function skipValue(cursor: Cursor): void {
  const code = cursor.buffer[cursor.at++] ?? 0;
  switch (code >> 4) {
    case 0x0:
      skipValue(cursor);
      skipValue(cursor);
      return;
    case 0xa:
    case 0xc:
    case 0xe: {
      const size = readSize(cursor, 1);
      cursor.at += size;
      return;
    }
    case 0xb:
    case 0xd:
    case 0xf: {
      const size = readSize(cursor, 4);
      cursor.at += size;
      return;
    }
    default:
      cursor.at += [0, 1, 2, 4, 8, 16][(code >> 4) - 4] ?? 0;
  }
}
