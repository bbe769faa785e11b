import { PROPERTY_NAMES } from '../../property-names.ts';
import { contentStart, SECTION, sectionCode, sectionValue, skipValue } from '../amqp/encoding.ts';
import { eachEntry } from '../amqp/event-table.ts';
import type { StoredRecord } from './record-batch.ts';

type Header = readonly [name: Buffer, value: Buffer | undefined];

const AMQP_VALUE = 0x77;
const NULL = 0x40;
const KAFKA_KEY = Buffer.from('x-opt-kafka-key');
const PARTITION_KEY = Buffer.from('x-opt-partition-key');
const ENQUEUED_TIME = Buffer.from('x-opt-enqueued-time');
const PROPERTIES = PROPERTY_NAMES.map(name => Buffer.from(name));

/**
 * A stored message (bytes `at` to `end`) as the service gives it to Kafka consumers. Application properties become headers in AMQP's encoding,
 * with their type code (`a1 08 diabetes`); those of type binary, which is what Kafka producers' headers are, come back as they were. The
 * partition key is no Kafka key, both hash otherwise, but a header.
 */
export function recordOf(bytes: Buffer, at: number, end: number): StoredRecord {
  const headers: Header[] = [];
  const data: Buffer[] = [];
  let key: Buffer | undefined;
  let value: Buffer | undefined;
  let timeMs = 0;
  for (let next: number; at < end; at = next) {
    const code = sectionCode(bytes, at);
    const content = sectionValue(bytes, at);
    next = skipValue(bytes, content, end);
    if (code === SECTION.messageAnnotations)
      eachEntry(bytes, contentStart(bytes, content), next, (name, entry, _start, entryEnd) => {
        if (name.equals(ENQUEUED_TIME)) timeMs = Number(bytes.readBigInt64BE(entry + 1));
        else if (name.equals(KAFKA_KEY)) key = plain(bytes, entry, entryEnd);
        else if (name.equals(PARTITION_KEY)) headers.push([PARTITION_KEY, bytes.subarray(entry, entryEnd)]);
      });
    else if (code === SECTION.properties) headers.push(...propertiesOf(bytes, content, next));
    else if (code === SECTION.applicationProperties)
      eachEntry(bytes, contentStart(bytes, content), next, (name, entry, _start, entryEnd) => {
        headers.push([name, isBinary(bytes, entry) ? plain(bytes, entry, entryEnd) : encoded(bytes, entry, entryEnd)]);
      });
    else if (code === SECTION.data) data.push(bytes.subarray(contentStart(bytes, content), next));
    else if (code === AMQP_VALUE) value = encoded(bytes, content, next);
  }
  if (data.length > 0) value = data.length === 1 ? data[0] : Buffer.concat(data);
  return { key, value, headers, timeMs };
}

/** Texts of the properties section come as they are, all else in AMQP's encoding. */
function propertiesOf(bytes: Buffer, list: number, end: number): Header[] {
  const headers: Header[] = [];
  let at = bytes[list] === 0xc0 ? list + 3 : bytes[list] === 0xd0 ? list + 9 : end; // 0x45: the empty list
  for (let field = 0, next: number; at < end; at = next, field++) {
    next = skipValue(bytes, at, end);
    const name = PROPERTIES[field];
    if (name && bytes[at] !== NULL)
      headers.push([name, isVariable(bytes, at) ? plain(bytes, at, next) : bytes.subarray(at, next)]);
  }
  return headers;
}

/** Undefined for AMQP's null, which both sides have. */
function encoded(bytes: Buffer, at: number, end: number): Buffer | undefined {
  return bytes[at] === NULL ? undefined : bytes.subarray(at, end);
}

function plain(bytes: Buffer, at: number, end: number): Buffer | undefined {
  return isVariable(bytes, at) ? bytes.subarray(contentStart(bytes, at), end) : encoded(bytes, at, end);
}

const isBinary = (bytes: Buffer, at: number) => bytes[at] === 0xa0 || bytes[at] === 0xb0;

/** Binary, string or symbol. */
function isVariable(bytes: Buffer, at: number): boolean {
  const category = (bytes[at] as number) >>> 4;
  return category === 0xa || category === 0xb;
}
