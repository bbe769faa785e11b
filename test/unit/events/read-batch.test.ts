import { describe, expect, it } from 'vitest';
import { InfrastructureError } from '../../../src/core/errors.ts';
import { readBatch } from '../../../src/events/read-batch.ts';

const SOURCE = { hub: 'requests', consumerGroup: 'scoring' };
const bodies = [Buffer.from('a'), Buffer.from('b'), Buffer.from('c')];

/** As Functions node workers 3.9 to 3.11 give it: partition keys without the nulls, times without zone, first letters small. */
function metadata(change: Record<string, unknown> = {}) {
  return {
    partitionContext: {
      fullyQualifiedNamespace: 'ns',
      eventHubName: 'requests',
      consumerGroup: 'scoring',
      partitionId: '2',
    },
    partitionKeyArray: ['kim'],
    offsetArray: ['0', '1', '2'],
    sequenceNumberArray: [10, 11, 12],
    enqueuedTimeUtcArray: ['2026-11-21T09:00:00.12', '2026-11-21T09:00:00.12', '2026-11-21T09:00:01'],
    propertiesArray: [{}, { model: 'churn' }, {}],
    systemPropertiesArray: [10, 11, 12].map((sequenceNumber, i) => ({
      'x-opt-sequence-number': sequenceNumber,
      sequenceNumber,
      offset: i,
      partitionKey: i === 1 ? 'kim' : null,
      enqueuedTimeUtc: `2026-11-21T09:00:0${i}.1234567`,
      'content-type': i === 2 ? 'application/gzip' : undefined,
    })),
    ...change,
  };
}

describe('readBatch', () => {
  it('takes key, number and time from the system properties', () => {
    const batch = readBatch(bodies, metadata(), SOURCE);
    expect(batch).toMatchObject({ hub: 'requests', consumerGroup: 'scoring', partition: '2' });
    expect(batch.events.map(event => event.body.toString())).toEqual(['a', 'b', 'c']);
    expect(batch.events.map(event => event.sequenceNumber)).toEqual([10, 11, 12]);
    expect(batch.events.map(event => event.partitionKey)).toEqual([undefined, 'kim', undefined]);
    expect(batch.events.map(event => event.enqueuedAtMs)).toEqual(
      [0, 1, 2].map(s => Date.UTC(2026, 10, 21, 9, 0, s, 123)),
    );
    expect(batch.events.map(event => event.contentType)).toEqual([undefined, undefined, 'application/gzip']);
    expect(batch.events[1]?.properties).toEqual({ model: 'churn' });
  });

  it('falls back to the arrays, which are aligned where they are whole', () => {
    const batch = readBatch(
      bodies,
      metadata({ systemPropertiesArray: undefined, partitionKeyArray: ['x', 'y', 'z'] }),
      SOURCE,
    );
    expect(batch.events.map(event => event.sequenceNumber)).toEqual([10, 11, 12]);
    expect(batch.events.map(event => event.partitionKey)).toEqual(['x', 'y', 'z']);
    expect(batch.events[2]?.enqueuedAtMs).toBe(Date.UTC(2026, 10, 21, 9, 0, 1));
  });

  it('never takes a key from an array that lost its nulls', () => {
    const batch = readBatch(bodies, metadata({ systemPropertiesArray: undefined }), SOURCE);
    expect(batch.events.map(event => event.partitionKey)).toEqual([undefined, undefined, undefined]);
  });

  it.each([
    [
      'numbers in two halves',
      [
        { low: -1, high: 0, unsigned: false },
        { low: 0, high: 1 },
        { low: 1, high: 1 },
      ],
      [2 ** 32 - 1, 2 ** 32, 2 ** 32 + 1],
    ],
    ['numbers as text', ['7', '8', '9'], [7, 8, 9]],
    ['big integers', [7n, 8n, 9n], [7, 8, 9]],
  ])('reads %s', (_, sequenceNumberArray, expected) => {
    const batch = readBatch(bodies, metadata({ systemPropertiesArray: undefined, sequenceNumberArray }), SOURCE);
    expect(batch.events.map(event => event.sequenceNumber)).toEqual(expected);
  });

  it.each([
    ['2026-11-21T09:00:00Z', Date.UTC(2026, 10, 21, 9)],
    ['2026-11-21T10:00:00+01:00', Date.UTC(2026, 10, 21, 9)],
    ['2026-11-21T09:00:00.5', Date.UTC(2026, 10, 21, 9, 0, 0, 500)],
    [new Date(5), 5],
  ])('reads the time %s', (time, expected) => {
    const batch = readBatch(
      [Buffer.from('')],
      metadata({ systemPropertiesArray: [{ sequenceNumber: 1, enqueuedTimeUtc: time }] }),
      SOURCE,
    );
    expect(batch.events[0]?.enqueuedAtMs).toBe(expected);
  });

  it('takes a Kafka key, also as bytes, for the partition key', () => {
    const systemPropertiesArray = [
      { sequenceNumber: 1, enqueuedTimeUtc: '2026-11-21T09:00:00', 'x-opt-kafka-key': 'kim' },
      { sequenceNumber: 2, enqueuedTimeUtc: '2026-11-21T09:00:00', 'x-opt-kafka-key': Buffer.from('lee') },
    ];
    const { events } = readBatch(bodies.slice(0, 2), metadata({ systemPropertiesArray }), SOURCE);
    expect(events.map(event => event.partitionKey)).toEqual(['kim', 'lee']);
  });

  it('knows the partition by its newer name too', () => {
    expect(readBatch([], { triggerPartitionContext: { partitionId: '3' } }, SOURCE)).toMatchObject({
      partition: '3',
      events: [],
    });
  });

  it.each([
    ['no metadata', bodies, undefined, /names no partition/],
    [
      'no numbers',
      bodies,
      metadata({ systemPropertiesArray: undefined, sequenceNumberArray: undefined }),
      /no usable sequence number for event 0 of 3/,
    ],
    [
      'too few numbers',
      bodies,
      metadata({ systemPropertiesArray: [], sequenceNumberArray: [1, 2] }),
      /sequenceNumberArray has 2/,
    ],
    ['too many of everything', bodies.slice(0, 2), metadata(), /no usable sequence number for event 0 of 2/],
    [
      'no times',
      bodies,
      metadata({ systemPropertiesArray: undefined, enqueuedTimeUtcArray: ['soon', 'x', 'y'] }),
      /enqueued time/,
    ],
    [
      'numbers that fall',
      bodies,
      metadata({ systemPropertiesArray: undefined, sequenceNumberArray: [3, 2, 1] }),
      /2 follows 3/,
    ],
    [
      'numbers that stand still',
      bodies,
      metadata({ systemPropertiesArray: undefined, sequenceNumberArray: [3, 3, 4] }),
      /3 follows 3/,
    ],
    ['bodies as text', ['a', 'b', 'c'], metadata(), /dataType binary/],
    ['one body', Buffer.from('a'), metadata(), /cardinality must be many/],
  ])('refuses %s rather than guess', (_, given, about, words) => {
    const read = () => readBatch(given, about, SOURCE);
    expect(read).toThrow(InfrastructureError);
    expect(read).toThrow(words);
  });
});
