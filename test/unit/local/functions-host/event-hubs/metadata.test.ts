import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import { batchMetadata, eventMetadata } from '../../../../../src/local/functions-host/event-hubs/metadata.ts';
import { eventOf } from './event-of.ts';

const partition = {
  fullyQualifiedNamespace: 'localhost',
  eventHubName: 'requests',
  consumerGroup: 'app',
  partitionId: '3',
  isCheckpointingAfterInvocation: true,
};
const at = Date.parse('2026-11-21T09:00:00.120Z');
const { wrap_uuid: wrapUuid, wrap_double: wrapDouble } = (
  createRequire(import.meta.url)('rhea') as {
    types: { wrap_uuid(bytes: Buffer): unknown; wrap_double(value: number): unknown };
  }
).types;

const rich = eventOf({
  sequenceNumber: 1841,
  offset: '4096',
  enqueuedAtMs: at,
  partitionKey: '42',
  annotations: { 'X-Mine': 'x', 'x-opt-kafka-key': Buffer.from([1, 2]) },
  properties: {
    Model: 'diabetes',
    attempts: 2,
    ratio: 0.5,
    when: new Date(at),
    key: Buffer.from('k'),
    nan: wrapDouble(Number.NaN),
    id: wrapUuid(Buffer.alloc(16, 0xab)),
  },
  fields: {
    message_id: 'm-1',
    correlation_id: 7,
    content_type: 'application/json',
    creation_time: new Date(at),
    group_sequence: 9,
  },
});
const plain = eventOf({ sequenceNumber: 1842, offset: 'not a number', enqueuedAtMs: at + 880 });

describe('batchMetadata', () => {
  it('has the keys, casing and gaps of the real worker', () => {
    expect(batchMetadata([rich, plain], partition)).toEqual({
      triggerPartitionContext: partition,
      partitionContext: partition,
      partitionKeyArray: [42], // parsed as JSON, and without the event that has none
      offsetArray: [4096, -1],
      offsetStringArray: [4096, 'not a number'],
      sequenceNumberArray: [1841, 1842],
      enqueuedTimeUtcArray: ['2026-11-21T09:00:00.12', '2026-11-21T09:00:01'],
      propertiesArray: [
        {
          model: 'diabetes',
          attempts: 2,
          ratio: 0.5,
          when: '2026-11-21T09:00:00.12Z',
          key: 'aw==',
          nan: 'NaN',
          id: 'abababab-abab-abab-abab-abababababab',
        },
        {},
      ],
      systemPropertiesArray: [
        {
          'message-id': 'm-1',
          'correlation-id': '7',
          'content-type': 'application/json',
          'creation-time': '2026-11-21T09:00:00.12+00:00',
          'group-sequence': 9,
          'x-opt-sequence-number': 1841,
          'x-opt-offset': '4096',
          'x-opt-enqueued-time': '2026-11-21T09:00:00.12+00:00',
          'x-opt-partition-key': '42',
          'x-Mine': 'x',
          'x-opt-kafka-key': 'AQI=',
          sequenceNumber: 1841,
          offset: 4096,
          offsetString: '4096',
          partitionKey: '42',
          enqueuedTimeUtc: '2026-11-21T09:00:00.12',
        },
        {
          'x-opt-sequence-number': 1842,
          'x-opt-offset': 'not a number',
          'x-opt-enqueued-time': '2026-11-21T09:00:01+00:00',
          sequenceNumber: 1842,
          offset: -1,
          offsetString: 'not a number',
          partitionKey: null,
          enqueuedTimeUtc: '2026-11-21T09:00:01',
        },
      ],
    });
  });

  it('has of a user id how long it is', () => {
    const [first] = batchMetadata([eventOf({ fields: { user_id: Buffer.from('me') } })], partition)
      .systemPropertiesArray as { 'user-id': unknown }[];
    expect(first?.['user-id']).toEqual({ length: 2, isEmpty: false });
  });

  it('is plain data once read: the same object every time, and writable', () => {
    const metadata = batchMetadata([plain], partition);
    const first = metadata.systemPropertiesArray;
    expect(metadata.systemPropertiesArray).toBe(first);
    expect(Object.getOwnPropertyDescriptor(metadata, 'systemPropertiesArray')).toMatchObject({
      value: first,
      writable: true,
    });
    metadata.propertiesArray = 'mine';
    expect(metadata.propertiesArray).toBe('mine');
  });
});

describe('eventMetadata', () => {
  it('is that of a function of cardinality one', () => {
    expect(Object.keys(eventMetadata(plain, partition))).toEqual([
      'triggerPartitionContext',
      'partitionContext',
      'offset',
      'offsetString',
      'sequenceNumber',
      'enqueuedTimeUtc',
      'properties',
      'systemProperties',
    ]);
    const body = Buffer.from('{"Model":"churn","offset":"mine","nested":{"a":1}}');
    expect(eventMetadata(eventOf({ sequenceNumber: 3, body }), partition, true)).toMatchObject({
      sequenceNumber: 3,
      ...{ model: 'churn', offset: 'mine', nested: { a: 1 } },
    });
    expect(eventMetadata(rich, partition)).toMatchObject({
      partitionKey: 42,
      offset: 4096,
      sequenceNumber: 1841,
      properties: { model: 'diabetes' },
    });
  });
});
