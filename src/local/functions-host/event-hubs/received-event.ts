import { type AmqpMap, type AmqpValue, type Cursor, readLong, readValue, skipValue } from './amqp-value.ts';

const EMPTY = Buffer.alloc(0);

/**
 * An event as it came off the link. What every batch needs is read at once; annotations and properties only when
 * someone asks, since reading them costs more than the rest together.
 */
export class ReceivedEvent {
  /** The data section's bytes, a view on the network buffer; an AMQP value or sequence as JSON. */
  readonly body: Buffer;
  readonly sequenceNumber: number;
  readonly offset: string;
  readonly enqueuedAtMs: number;
  readonly partitionKey: string | undefined;
  /** Bytes it holds in memory, for limits. */
  readonly size: number;
  readonly #payload: Buffer;
  readonly #annotationsAt: number;
  readonly #propertiesAt: number;
  readonly #applicationPropertiesAt: number;

  /** @throws RangeError where the payload is no AMQP message. */
  constructor(payload: Buffer) {
    const cursor: Cursor = { buffer: payload, at: 0 };
    let body: Buffer = EMPTY;
    let annotationsAt = -1;
    let propertiesAt = -1;
    let applicationPropertiesAt = -1;
    while (cursor.at < payload.length) {
      const section = readSection(cursor);
      const at = cursor.at;
      if (section === 0x75) {
        const part = toBytes(readValue(cursor));
        body = body.length === 0 ? part : Buffer.concat([body, part]);
        continue;
      }
      if (section === 0x76 || section === 0x77) {
        body = toBytes(readValue(cursor));
        continue;
      }
      if (section === 0x72) annotationsAt = at;
      else if (section === 0x73) propertiesAt = at;
      else if (section === 0x74) applicationPropertiesAt = at;
      skipValue(cursor);
    }
    this.body = body;
    this.size = payload.length;
    this.#payload = payload;
    this.#annotationsAt = annotationsAt;
    this.#propertiesAt = propertiesAt;
    this.#applicationPropertiesAt = applicationPropertiesAt;
    const own = annotationsAt < 0 ? NONE : readOwnAnnotations({ buffer: payload, at: annotationsAt });
    this.sequenceNumber = own.sequenceNumber;
    this.offset = own.offset;
    this.enqueuedAtMs = own.enqueuedAtMs;
    this.partitionKey = own.partitionKey;
  }

  /** Message annotations by name, the service's own included. */
  annotations(): AmqpMap {
    return this.#mapAt(this.#annotationsAt);
  }

  /** The fields of the properties section, in its order, message-id first; empty where there is none. */
  properties(): AmqpValue[] {
    const fields = this.#readAt(this.#propertiesAt);
    return Array.isArray(fields) ? fields : [];
  }

  applicationProperties(): AmqpMap {
    return this.#mapAt(this.#applicationPropertiesAt);
  }

  /** A producer may write something else where a map belongs. */
  #mapAt(at: number): AmqpMap {
    const map = this.#readAt(at);
    return isMap(map) ? map : {};
  }

  #readAt(at: number): AmqpValue {
    return at < 0 ? {} : readValue({ buffer: this.#payload, at });
  }
}

function toBytes(value: AmqpValue): Buffer {
  return Buffer.isBuffer(value) ? value : Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));
}

function isMap(value: AmqpValue): value is AmqpMap {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

interface OwnAnnotations {
  sequenceNumber: number;
  offset: string;
  enqueuedAtMs: number;
  partitionKey: string | undefined;
}

const NONE: OwnAnnotations = { sequenceNumber: -1, offset: '', enqueuedAtMs: 0, partitionKey: undefined };

/** The four annotations that every event bears, told apart by the letter after `x-opt-` and their length. */
function readOwnAnnotations(cursor: Cursor): OwnAnnotations {
  const { buffer } = cursor;
  const own = { ...NONE };
  const wide = buffer[cursor.at] === 0xd1;
  const count = wide ? buffer.readUInt32BE(cursor.at + 5) : buffer.readUInt8(cursor.at + 2);
  cursor.at += wide ? 9 : 3;
  for (let i = 0; i < count; i += 2) {
    const keyAt = cursor.at + 2;
    const length = buffer[cursor.at] === 0xa3 ? (buffer[cursor.at + 1] ?? 0) : 0;
    skipValue(cursor);
    if (length === 21 && buffer.toString('latin1', keyAt, keyAt + 21) === 'x-opt-sequence-number') {
      own.sequenceNumber = readNumber(cursor);
    } else if (length === 12 && buffer.toString('latin1', keyAt, keyAt + 12) === 'x-opt-offset') {
      own.offset = String(readValue(cursor));
    } else if (length === 19 && buffer.toString('latin1', keyAt, keyAt + 19) === 'x-opt-enqueued-time') {
      own.enqueuedAtMs = readNumber(cursor);
    } else if (length === 19 && buffer.toString('latin1', keyAt, keyAt + 19) === 'x-opt-partition-key') {
      own.partitionKey = readValue(cursor) as string;
    } else skipValue(cursor);
  }
  return own;
}

/** A long or a timestamp without the Date. */
function readNumber(cursor: Cursor): number {
  const code = cursor.buffer[cursor.at];
  if (code === 0x81 || code === 0x83) {
    cursor.at += 9;
    return readLong(cursor.buffer, cursor.at - 8);
  }
  return Number(readValue(cursor));
}

/** The code of a message section: 0x70 header … 0x78 footer. */
function readSection(cursor: Cursor): number {
  const { buffer, at } = cursor;
  if (buffer[at] === 0 && buffer[at + 1] === 0x53) {
    cursor.at += 3;
    return buffer.readUInt8(at + 2);
  }
  if (buffer[cursor.at++] !== 0) throw new RangeError('an AMQP message section was expected');
  const descriptor = readValue(cursor);
  return typeof descriptor === 'number' ? descriptor : (SECTIONS[String(descriptor)] ?? 0);
}

const SECTIONS: Record<string, number> = {
  'amqp:header:list': 0x70,
  'amqp:delivery-annotations:map': 0x71,
  'amqp:message-annotations:map': 0x72,
  'amqp:properties:list': 0x73,
  'amqp:application-properties:map': 0x74,
  'amqp:data:binary': 0x75,
  'amqp:amqp-sequence:list': 0x76,
  'amqp:amqp-value:*': 0x77,
  'amqp:value:*': 0x77,
  'amqp:footer:map': 0x78,
};
