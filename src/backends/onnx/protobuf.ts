/** One field of a protobuf message: a number for varints, bytes for everything with a length; `start` and `end` span it with its tag. */
export interface ProtobufField {
  readonly number: number;
  readonly varint: bigint | undefined;
  readonly bytes: Uint8Array | undefined;
  readonly start: number;
  readonly end: number;
}

/**
 * Walks the fields of a message without decoding what is inside them (https://protobuf.dev/programming-guides/encoding/): the few
 * fields that we need of an ONNX file are not worth a protobuf library and a schema.
 * @throws RangeError where the bytes are no message.
 */
export function* fieldsOf(message: Uint8Array): Generator<ProtobufField> {
  for (let at = 0; at < message.length; ) {
    const start = at;
    const tag = readVarint(message, at);
    at = tag.next;
    const number = Number(tag.value >> 3n);
    const wire = Number(tag.value & 7n);
    let varint: bigint | undefined;
    let bytes: Uint8Array | undefined;
    if (wire === 0) {
      const read = readVarint(message, at);
      varint = read.value;
      at = read.next;
    } else {
      let length = wire === 1 ? 8 : wire === 5 ? 4 : -1;
      if (wire === 2) {
        const read = readVarint(message, at);
        length = Number(read.value);
        at = read.next;
      }
      if (length < 0 || at + length > message.length || number === 0)
        throw new RangeError(`no protobuf field at ${start}`);
      bytes = message.subarray(at, at + length);
      at += length;
    }
    yield { number, varint, bytes, start, end: at };
  }
}

/** The varints of a packed field, signed. */
export function* packedVarints(bytes: Uint8Array): Generator<bigint> {
  for (let at = 0; at < bytes.length; ) {
    const read = readVarint(bytes, at);
    yield BigInt.asIntN(64, read.value);
    at = read.next;
  }
}

/** A field with a length: bytes, text, or an embedded message. */
export function encodeField(number: number, content: Uint8Array | string): Uint8Array {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  return Buffer.concat([encodeVarint(number * 8 + 2), encodeVarint(bytes.length), bytes]);
}

/** A varint field. */
export function encodeNumber(number: number, value: number): Uint8Array {
  return Buffer.concat([encodeVarint(number * 8), encodeVarint(value)]);
}

function encodeVarint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest >= 128n; rest >>= 7n) bytes.push(Number(rest & 127n) + 128);
  bytes.push(Number(rest));
  return Uint8Array.from(bytes);
}

function readVarint(bytes: Uint8Array, from: number): { value: bigint; next: number } {
  // Nearly all are short: big integers only where they are needed.
  let small = 0;
  for (let at = from, scale = 1; at < bytes.length && at < from + 7; at++, scale *= 128) {
    const byte = bytes[at]!;
    small += (byte & 127) * scale;
    if (byte < 128) return { value: BigInt(small), next: at + 1 };
  }
  let value = 0n;
  for (let at = from, shift = 0n; at < bytes.length && at < from + 10; at++, shift += 7n) {
    const byte = bytes[at]!;
    value |= BigInt(byte & 127) << shift;
    if (byte < 128) return { value: BigInt.asUintN(64, value), next: at + 1 };
  }
  throw new RangeError(`no varint at ${from}`);
}
