import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import type { EventHubConsumerClient, ReceivedEventData } from '@azure/event-hubs';
import { message, types } from 'rhea-promise';
import { beforeAll, describe, expect, it } from 'vitest';
import { boundAmqp, type Rhea } from '../../../src/core/bounded-amqp.ts';
import { readBatch } from '../../../src/hubs/read-batch.ts';
import { createSdkReader } from '../../../src/hubs/sdk-reader.ts';
import { DecodeError } from '../../../src/local/event-hubs/amqp/encoding.ts';
import { encodeEvents } from '../../../src/local/event-hubs/amqp/event-encoder.ts';
import { EventTable } from '../../../src/local/event-hubs/amqp/event-table.ts';
import { batchMetadata } from '../../../src/local/functions-host/event-hubs/metadata.ts';
import { ReceivedEvent } from '../../../src/local/functions-host/event-hubs/received-event.ts';
import { counted, dataMessage, described, list, map, NULL, symbol, text } from '../../support/amqp-bytes.ts';
import { randomInputs } from '../../support/seed.ts';
import type { SeededRandom } from '../../support/seeded-random.ts';

beforeAll(() => boundAmqp({ types, message } as unknown as Rhea));

/** What the SDK makes of a message; its package does not export it. */
const { fromRheaMessage } = createRequire(import.meta.url)(
  resolve(import.meta.dirname, '../../../node_modules/@azure/event-hubs/dist/commonjs/eventData.js'),
) as { fromRheaMessage(read: unknown, skipParsingBodyAsJson: boolean): ReceivedEventData };

const EVENT_HEADER = 6;
const PARTITION = {
  ...{ fullyQualifiedNamespace: 'localhost', eventHubName: 'requests', consumerGroup: 'app' },
  ...{ partitionId: '0', isCheckpointingAfterInvocation: true },
};

/** A value as a producer may write it, often enough wrong inside. */
function value(random: SeededRandom, depth = 0): Buffer {
  const some = <T>(make: () => T) => Array.from({ length: random.below(4) }, make);
  const inner = () => value(random, depth + 1);
  const makers: (() => Uint8Array | number[])[] = [
    () => [NULL],
    () => [0x41],
    () => [0x73, ...random.bytes(4)],
    () => [0x83, ...random.bytes(8)],
    () => [random.pick([0x80, 0x81, 0x82]), ...random.bytes(8)],
    () => [0x98, ...random.bytes(16)],
    () => [0xa0, 3, ...random.bytes(3)],
    () => text('ä'),
    () => [random.pick([0x55, 0x5f, 0x5c]), 1],
  ];
  const nesting: (() => Uint8Array | number[])[] = [
    () => list(...some(inner)),
    () => map(Object.fromEntries(some(() => [random.pick(['a', 'toString', '__proto__', 'constructor']), inner()]))),
    () => counted(0xd1, random.below(5), Buffer.concat(some(inner))),
    () => counted(0xd0, random.below(2 ** 31), Buffer.concat(some(inner))),
    () => counted(0xf0, random.below(2 ** 31), [random.pick([0x40, 0x45, 0x71, 0xa1, 0xe0]), ...random.bytes(6)]),
    () => Buffer.concat([Buffer.from([0]), inner(), inner()]),
  ];
  return Buffer.from(random.pick(depth < 4 ? [...makers, ...nesting, ...nesting] : makers)());
}

function anyMessage(random: SeededRandom): Buffer {
  const sections = [
    described(0x70, random.below(2) ? list([0x41]) : value(random)),
    described(0x72, map({ own: value(random), 'x-opt-partition-key': value(random) }, symbol)),
    described(0x73, random.below(2) ? list(...Array.from({ length: 13 }, () => value(random))) : value(random)),
    described(0x74, random.below(2) ? map({ model: value(random), 'ab c': value(random) }) : value(random)),
    random.pick([() => dataMessage('{}'), () => described(random.pick([0x75, 0x76, 0x77]), value(random))])(),
    described(0x78, value(random)),
  ].filter(() => random.below(4) > 0);
  const bytes = Buffer.concat(sections);
  for (let flips = random.below(3); flips > 0 && bytes.length > 0; flips--)
    bytes[random.below(bytes.length)] = random.below(256);
  return bytes;
}

/** The event as receivers get it; undefined where the endpoint refuses it. */
function store(bytes: Buffer): Buffer | undefined {
  let table: EventTable;
  try {
    table = new EventTable(bytes, 0);
  } catch (error) {
    if (error instanceof DecodeError || error instanceof RangeError) return undefined;
    throw error;
  }
  const encoded = encodeEvents(table);
  const slab = Buffer.alloc(encoded.maxBytes);
  const end = encoded.encode(slab, 0, 70, 9_000, 1_790_000_000_123);
  return slab.subarray(EVENT_HEADER, end);
}

/** The app's reader over a client that gives these events. */
function readerOf(events: ReceivedEventData[]) {
  const client = {
    subscribe(_partition: string, handlers: { processEvents(events: ReceivedEventData[]): Promise<void> }) {
      void handlers.processEvents(events);
      return { close: async () => {} };
    },
  } as unknown as EventHubConsumerClient;
  const connect = async () => client;
  return createSdkReader({ hub: 'requests', consumerGroups: ['app'], connect, blockSize: 1, idleTimeoutMs: 1_000 });
}

describe('whatever the endpoint takes', () => {
  it('the local host delivers, and the readers read', async () => {
    const random = randomInputs();
    const received: ReceivedEventData[] = [];
    for (let i = 0; i < 1_500; i++) {
      const payload = store(anyMessage(random));
      if (payload === undefined) continue;
      const event = new ReceivedEvent(payload);
      const metadata = JSON.parse(JSON.stringify(batchMetadata([event], PARTITION)));
      const { events } = readBatch([event.body], metadata, { hub: 'requests', consumerGroup: 'app' });
      expect(events[0]).toMatchObject({ sequenceNumber: 70, enqueuedAtMs: 1_790_000_000_123 });
      const data = fromRheaMessage(message.decode(payload), true);
      expect(data.sequenceNumber).toBe(70);
      received.push(data);
    }
    expect(received.length).toBeGreaterThan(150);
    for await (const events of readerOf(received).read('0', { sequenceNumber: 0 }, new AbortController().signal)) {
      expect(events).toHaveLength(received.length);
      for (const { body } of events) expect(Buffer.isBuffer(body)).toBe(true);
      break;
    }
  });
});
