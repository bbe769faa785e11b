/** The bytes are not the AMQP 1.0 they claim to be. */
export class DecodeError extends Error {
  override readonly name = 'DecodeError';
}

/** Section codes of AMQP 1.0, part 3.2. */
export const SECTION = {
  header: 0x70,
  deliveryAnnotations: 0x71,
  messageAnnotations: 0x72,
  properties: 0x73,
  applicationProperties: 0x74,
  data: 0x75,
  footer: 0x78,
} as const;

/** Widths of the fixed types by the high nibble of their constructor (AMQP 1.0, part 1.2). */
const FIXED_WIDTH = [-1, -1, -1, -1, 0, 1, 2, 4, 8, 16];

/**
 * The position behind the value whose constructor stands at `at`. Reads sizes only, nothing is decoded.
 * @throws DecodeError where the constructor is unknown or the value would end behind `end`.
 */
export function skipValue(bytes: Buffer, at: number, end: number): number {
  let next = at;
  // A descriptor is a value, with a descriptor of its own perhaps: counted instead of called, since a megabyte holds as many as it likes.
  for (let values = 1; values > 0; values--) {
    while (bytes[next] === 0x00) {
      next++;
      values++;
    }
    next = skipPlain(bytes, next, end);
  }
  return next;
}

function skipPlain(bytes: Buffer, at: number, end: number): number {
  const category = (bytes[at] ?? 0) >>> 4;
  const valueAt = at + 1;
  let next: number;
  if (category < 0x4 || valueAt > end) throw new DecodeError(`no AMQP type at byte ${at}`);
  if (category <= 0x9) next = valueAt + (FIXED_WIDTH[category] as number);
  else if (category % 2 === 0) next = valueAt < end ? valueAt + 1 + (bytes[valueAt] as number) : end + 1;
  else next = valueAt + 4 <= end ? valueAt + 4 + bytes.readUInt32BE(valueAt) : end + 1;
  if (next > end) throw new DecodeError(`the value at byte ${at} ends behind its message`);
  return next;
}

/** The section code at `at` (0x70–0x78), whichever way its descriptor is written. */
export function sectionCode(bytes: Buffer, at: number): number {
  if (bytes[at] === 0x00) {
    const code = bytes[at + 1] === 0x53 ? bytes[at + 2] : bytes[at + 1] === 0x80 ? bytes[at + 9] : undefined;
    if (code !== undefined && code >= SECTION.header && code <= SECTION.footer) return code;
  }
  throw new DecodeError(`no message section at byte ${at}`);
}

/** Where the value of the section at `at` starts: behind its descriptor. */
export function sectionValue(bytes: Buffer, at: number): number {
  return bytes[at + 1] === 0x53 ? at + 3 : at + 10;
}

/** Where the content of a binary, string, symbol or map value at `at` starts: behind constructor, size and, for a map, count. */
export function contentStart(bytes: Buffer, at: number): number {
  switch (bytes[at]) {
    case 0xa0:
    case 0xa1:
    case 0xa3:
      return at + 2;
    case 0xb0:
    case 0xb1:
    case 0xb3:
      return at + 5;
    case 0xc1:
      return at + 3;
    case 0xd1:
      return at + 9;
    default:
      throw new DecodeError(`expected text, bytes or a map at byte ${at}, found type 0x${bytes[at]?.toString(16)}`);
  }
}

/** A whole number of any AMQP integer type at `at`. */
export function readInteger(bytes: Buffer, at: number): number {
  switch (bytes[at]) {
    case 0x43:
    case 0x44:
      return 0;
    case 0x50:
    case 0x52:
    case 0x53:
      return bytes.readUInt8(at + 1);
    case 0x51:
    case 0x54:
    case 0x55:
      return bytes.readInt8(at + 1);
    case 0x60:
      return bytes.readUInt16BE(at + 1);
    case 0x61:
      return bytes.readInt16BE(at + 1);
    case 0x70:
      return bytes.readUInt32BE(at + 1);
    case 0x71:
      return bytes.readInt32BE(at + 1);
    case 0x80:
      return Number(bytes.readBigUInt64BE(at + 1));
    case 0x81:
      return Number(bytes.readBigInt64BE(at + 1));
    default:
      throw new DecodeError(`expected an integer at byte ${at}, found type 0x${bytes[at]?.toString(16)}`);
  }
}

/** Writes a non-negative safe integer as eight bytes, big-endian. */
export function writeUint64(bytes: Buffer, value: number, at: number): void {
  bytes.writeUInt32BE(Math.floor(value / 0x1_0000_0000), at);
  bytes.writeUInt32BE(value % 0x1_0000_0000, at + 4);
}

/** Reads eight bytes, big-endian, as a safe integer. */
export function readUint64(bytes: Buffer, at: number): number {
  return bytes.readUInt32BE(at) * 0x1_0000_0000 + bytes.readUInt32BE(at + 4);
}
