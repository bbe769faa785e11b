import { contentStart, DecodeError, readInteger, SECTION, sectionCode, sectionValue, skipValue } from './encoding.ts';

/** Message format of an envelope whose data sections are whole messages. */
export const BATCH_FORMAT = 0x80013700;

const KEY_ANNOTATION = Buffer.from('x-opt-partition-key');
const PRODUCER_SEQUENCE = Buffer.from('com.microsoft:producer-sequence-number');

/** Annotations that the endpoint writes itself; a sender's own of these names are not kept. */
export const RESERVED = [
  'x-opt-sequence-number',
  'x-opt-offset',
  'x-opt-enqueued-time',
  'x-opt-partition-key',
  'com.microsoft:producer-sequence-number',
  'com.microsoft:producer-id',
  'com.microsoft:producer-epoch',
].map(name => Buffer.from(name));

const FIELDS = 7;
export const HEADER = 0;
export const HEADER_END = 1;
export const OWN = 2;
export const OWN_END = 3;
export const REST = 4;
export const REST_END = 5;
export const KEY = 6;

/**
 * The events of one AMQP message as positions in its bytes, seven numbers an event: header section (from, to), entries of its
 * message annotations (from, to), everything behind them (from, to), and the partition key's value (0: none). One array
 * for all events, because an object each is what the garbage collector would then be busy with.
 */
export class EventTable {
  readonly bytes: Buffer;
  count = 0;
  /** Position of the key's value in the envelope's annotations; 0: none. */
  envelopeKey = 0;
  /** The first event's producer sequence number, as an idempotent producer puts it there. */
  producerSequence: number | undefined;
  #at = new Int32Array(64 * FIELDS);

  /**
   * @param format of the transfer: 0 (one event) or BATCH_FORMAT.
   * @throws DecodeError
   */
  constructor(bytes: Buffer, format: number) {
    this.bytes = bytes;
    if (format === BATCH_FORMAT) this.#readEnvelope();
    else this.#readMessage(0, bytes.length);
    if (this.count === 0) throw new DecodeError('the message holds no event');
  }

  at(event: number, field: number): number {
    return this.#at[event * FIELDS + field] as number;
  }

  /** The partition key's UTF-8 bytes that decide where the message goes, or undefined. */
  get partitionKey(): Buffer | undefined {
    const value = this.envelopeKey || this.at(0, KEY);
    return value ? this.keyText(value) : undefined;
  }

  keyText(value: number): Buffer {
    return this.bytes.subarray(contentStart(this.bytes, value), skipValue(this.bytes, value, this.bytes.length));
  }

  #readEnvelope(): void {
    const { bytes } = this;
    for (let at = 0; at < bytes.length; ) {
      const code = sectionCode(bytes, at);
      const value = sectionValue(bytes, at);
      const next = skipValue(bytes, value, bytes.length);
      if (code === SECTION.messageAnnotations) this.envelopeKey = this.#findKey(value, next);
      else if (code === SECTION.data) this.#readMessage(contentStart(bytes, value), next);
      at = next;
    }
  }

  #readMessage(start: number, end: number): void {
    const { bytes } = this;
    if (this.#at.length < (this.count + 1) * FIELDS) {
      const larger = new Int32Array(this.#at.length * 4);
      larger.set(this.#at);
      this.#at = larger;
    }
    const row = this.count++ * FIELDS;
    const table = this.#at;
    table.fill(0, row, row + FIELDS);
    table[row + REST] = end;
    table[row + REST_END] = end;
    let before = 0;
    for (let at = start; at < end; ) {
      const code = sectionCode(bytes, at);
      const value = sectionValue(bytes, at);
      const next = skipValue(bytes, value, end);
      if (code < before || (code === before && code < SECTION.data))
        throw new DecodeError(`section 0x${code.toString(16)} is not in its place`);
      before = code;
      if (code === SECTION.header) {
        if (next - at > 0xffff) throw new DecodeError('the header section is too large');
        table[row + HEADER] = at;
        table[row + HEADER_END] = next;
      } else if (code === SECTION.messageAnnotations) {
        table[row + OWN] = contentStart(bytes, value);
        table[row + OWN_END] = next;
        table[row + KEY] = this.#findKey(value, next);
      } else if (code >= SECTION.properties && table[row + REST] === end) {
        table[row + REST] = at;
      }
      at = next;
    }
  }

  #findKey(map: number, end: number): number {
    let key = 0;
    eachEntry(this.bytes, contentStart(this.bytes, map), end, (name, value) => {
      if (name.equals(KEY_ANNOTATION) && (this.bytes[value] === 0xa1 || this.bytes[value] === 0xb1)) key = value;
      else if (this.count <= 1 && name.equals(PRODUCER_SEQUENCE) && this.bytes[value] !== 0x40)
        this.producerSequence ??= readInteger(this.bytes, value);
    });
    return key;
  }
}

/** Calls `visit` for each entry of a map between `at` and `end`: its key's text, where its value is, where the entry starts and ends. */
export function eachEntry(
  bytes: Buffer,
  at: number,
  end: number,
  visit: (name: Buffer, value: number, start: number, next: number) => void,
): void {
  for (let start = at; start < end; ) {
    const value = skipValue(bytes, start, end);
    const next = skipValue(bytes, value, end);
    visit(bytes.subarray(contentStart(bytes, start), value), value, start, next);
    start = next;
  }
}
