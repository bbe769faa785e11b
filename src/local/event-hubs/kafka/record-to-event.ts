import { BATCH_FORMAT, EventTable } from '../amqp/event-table.ts';
import { Writer } from './codec.ts';
import type { KafkaRecord } from './record-batch.ts';

const KAFKA_KEY = Buffer.from('\xa3\x0fx-opt-kafka-key', 'latin1');
const ANNOTATIONS = 0x72;
const APPLICATION_PROPERTIES = 0x74;
const DATA = 0x75;
const AMQP_VALUE = 0x77;
const NULL = 0x40;
const BINARY = 0xb0;

/**
 * Records as the service stores them: the value is the body, the key the annotation `x-opt-kafka-key`, headers are application
 * properties of type binary. One batch of records is one batch of events.
 */
export function eventsOf(records: readonly KafkaRecord[]): EventTable {
  const envelope = new Writer(16 * 1024);
  const message = new Writer(1024);
  for (const record of records) {
    message.reset();
    writeMessage(message, record);
    section(envelope, DATA);
    binary(envelope, message.written);
  }
  return new EventTable(envelope.written, BATCH_FORMAT);
}

function writeMessage(message: Writer, { key, value, headers }: KafkaRecord): void {
  if (key) {
    section(message, ANNOTATIONS);
    const content = new Writer(key.length + 32);
    content.raw(KAFKA_KEY);
    binary(content, key);
    map(message, 1, content.written);
  }
  if (headers.length > 0) {
    // A map has a name once: the last header of a name stands, as it does for Kafka's `lastHeader`.
    const byName = new Map(headers.map(([name, content]) => [name.toString('utf8'), content]));
    const content = new Writer();
    for (const [name, header] of byName) {
      text(content, name);
      if (header) binary(content, header);
      else content.uint8(NULL);
    }
    section(message, APPLICATION_PROPERTIES);
    map(message, byName.size, content.written);
  }
  if (value) {
    section(message, DATA);
    binary(message, value);
  } else {
    section(message, AMQP_VALUE);
    message.uint8(NULL);
  }
}

function section(out: Writer, code: number): void {
  out.uint8(0x00).uint8(0x53).uint8(code);
}

function binary(out: Writer, bytes: Uint8Array): void {
  out.uint8(BINARY).int32(bytes.length).raw(bytes);
}

function text(out: Writer, value: string): void {
  const bytes = Buffer.from(value);
  if (bytes.length < 256) out.uint8(0xa1).uint8(bytes.length).raw(bytes);
  else out.uint8(0xb1).bytes(bytes);
}

function map(out: Writer, entries: number, content: Uint8Array): void {
  out
    .uint8(0xd1)
    .int32(content.length + 4)
    .int32(entries * 2)
    .raw(content);
}
