/** The bytes are not the request they claim to be: nothing sensible can be answered, the connection ends. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
}

/** Reads the protocol's primitives (https://kafka.apache.org/protocol#protocol_types), one behind the other. */
export class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get remaining(): number {
    return this.#bytes.length - this.#at;
  }

  int8(): number {
    return this.#bytes.readInt8(this.#move(1));
  }
  int16(): number {
    return this.#bytes.readInt16BE(this.#move(2));
  }
  int32(): number {
    return this.#bytes.readInt32BE(this.#move(4));
  }
  uint32(): number {
    return this.#bytes.readUInt32BE(this.#move(4));
  }
  int64(): number {
    return Number(this.#bytes.readBigInt64BE(this.#move(8)));
  }
  boolean(): boolean {
    return this.int8() !== 0;
  }

  string(): string {
    return this.nullableString() ?? '';
  }
  nullableString(): string | undefined {
    const length = this.int16();
    return length < 0 ? undefined : this.take(length).toString('utf8');
  }
  bytes(): Buffer | undefined {
    const length = this.int32();
    return length < 0 ? undefined : this.take(length);
  }
  array<T>(item: () => T): T[] {
    return this.nullableArray(item) ?? [];
  }
  nullableArray<T>(item: () => T): T[] | undefined {
    const count = this.int32();
    if (count < 0) return undefined;
    if (count > this.remaining) throw new ProtocolError(`an array of ${count} does not fit into its request`);
    return Array.from({ length: count }, item);
  }

  /** Zigzag, as records have them; a timestamp's needs more than 32 bits. */
  varint(): number {
    let value = 0;
    for (let scale = 1; scale < 2 ** 63; scale *= 128) {
      const byte = this.#bytes.readUInt8(this.#move(1));
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
    }
    throw new ProtocolError('a number does not end');
  }
  varbytes(): Buffer | undefined {
    const length = this.varint();
    return length < 0 ? undefined : this.take(length);
  }

  take(length: number): Buffer {
    const at = this.#move(length);
    return this.#bytes.subarray(at, at + length);
  }

  #move(length: number): number {
    const at = this.#at;
    if (length < 0 || at + length > this.#bytes.length) throw new ProtocolError('the request ends too early');
    this.#at += length;
    return at;
  }
}

/** Writes the same into memory that grows. */
export class Writer {
  #bytes: Buffer;
  #at = 0;

  constructor(bytes = 256) {
    this.#bytes = Buffer.allocUnsafe(bytes);
  }

  get length(): number {
    return this.#at;
  }
  /** What was written; valid until more is. */
  get written(): Buffer {
    return this.#bytes.subarray(0, this.#at);
  }
  reset(): void {
    this.#at = 0;
  }

  int8(value: number): this {
    const at = this.#grow(1);
    this.#bytes.writeInt8(value, at);
    return this;
  }
  uint8(value: number): this {
    const at = this.#grow(1);
    this.#bytes.writeUInt8(value, at);
    return this;
  }
  int16(value: number): this {
    const at = this.#grow(2);
    this.#bytes.writeInt16BE(value, at);
    return this;
  }
  int32(value: number): this {
    const at = this.#grow(4);
    this.#bytes.writeInt32BE(value, at);
    return this;
  }
  int64(value: number): this {
    const at = this.#grow(8);
    this.#bytes.writeBigInt64BE(BigInt(value), at);
    return this;
  }
  boolean(value: boolean): this {
    return this.int8(value ? 1 : 0);
  }
  string(value: string | undefined): this {
    if (value === undefined) return this.int16(-1);
    return this.int16(Buffer.byteLength(value)).raw(Buffer.from(value));
  }
  bytes(value: Uint8Array): this {
    return this.int32(value.length).raw(value);
  }
  array<T>(items: readonly T[], item: (value: T) => void): this {
    this.int32(items.length);
    for (const value of items) item(value);
    return this;
  }

  /** Without sign, as the lengths of "compact" strings and arrays have it. */
  uvarint(value: number): this {
    let rest = value;
    for (; rest >= 0x80; rest = Math.floor(rest / 128)) this.uint8((rest % 128) | 0x80);
    return this.uint8(rest);
  }
  varint(value: number): this {
    return this.uvarint(value < 0 ? -2 * value - 1 : 2 * value);
  }
  varbytes(value: Uint8Array | undefined): this {
    return value ? this.varint(value.length).raw(value) : this.varint(-1);
  }

  raw(value: Uint8Array): this {
    const at = this.#grow(value.length);
    this.#bytes.set(value, at);
    return this;
  }

  /** Where the next `length` bytes go. `#bytes` is another afterwards: call it first. */
  #grow(length: number): number {
    const at = this.#at;
    this.#at += length;
    if (this.#at > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(this.#at, this.#bytes.length * 2));
      this.#bytes.copy(larger, 0, 0, at);
      this.#bytes = larger;
    }
    return at;
  }
}
