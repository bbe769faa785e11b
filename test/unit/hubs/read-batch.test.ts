import { describe, expect, it } from 'vitest';
import { InfrastructureError } from '../../../src/core/errors.ts';
import { readBatch } from '../../../src/hubs/read-batch.ts';

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

  it('gives on what the service says of an event, for mappings', () => {
    const systemPropertiesArray = metadata().systemPropertiesArray.map((own, i) => ({
      ...own,
      'iothub-connection-device-id': `d${i}`,
    }));
    const { events } = readBatch(bodies, metadata({ systemPropertiesArray }), SOURCE);
    expect(events.map(({ system }) => system?.['iothub-connection-device-id'])).toEqual(['d0', 'd1', 'd2']);
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

  it('takes a Kafka key for the partition key, in each form it may come in', () => {
    const keys = ['kim', Buffer.from('lee'), Buffer.from('šárka-1').toString('base64')];
    const systemPropertiesArray = keys.map((key, i) => ({
      sequenceNumber: i,
      enqueuedTimeUtc: '2026-11-21T09:00:00',
      'x-opt-kafka-key': key,
    }));
    const { events } = readBatch(bodies, metadata({ systemPropertiesArray }), SOURCE);
    expect(events.map(event => event.partitionKey)).toEqual(['kim', 'lee', 'šárka-1']);
  });

  /** The event's properties as text, as the pipeline reads them. */
  function propertiesOf(properties: Record<string, unknown>, kafkaKey?: string) {
    const system = { sequenceNumber: 1, enqueuedTimeUtc: '2026-11-21T09:00:00', 'x-opt-kafka-key': kafkaKey };
    const one = metadata({ systemPropertiesArray: [system], propertiesArray: [properties] });
    const [event] = readBatch([Buffer.from('{}')], one, SOURCE).events;
    return Object.fromEntries(Object.entries(event!.properties).map(([name, value]) => [name, String(value)]));
  }
  const packed = (headers: Record<string, string>) =>
    Object.fromEntries(Object.entries(headers).map(([name, text]) => [name, Buffer.from(text).toString('base64')]));

  it.each([
    ['with a key', { model: 'sentiment' }, 'a2lt'],
    ['with the header RawHeaders', { model: 'sentiment', rawHeaders: '' }, undefined],
    ['without a key', { model: 'diabetes', model_version: '1.1.0' }, undefined],
  ])('reads the headers of Kafka records, which the host packs as base64: %s', (_, headers, key) => {
    expect(propertiesOf(packed(headers as Record<string, string>), key)).toEqual(headers);
  });

  it.each([
    { model: 'iris' },
    { model: 'aXMx' }, // "is1", but a name as well: nothing says that it is packed
    { model: 'churn', note: 'MS4xLjA=' },
    { token: '/v8=' }, // bytes that are no text
  ])('leaves the properties of other producers alone: %j', properties => {
    expect(propertiesOf(properties)).toEqual(properties);
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
