import rhea from 'rhea';
import { describe, expect, it } from 'vitest';
import { DecodeError } from '../../../../src/local/event-hubs/amqp/encoding.ts';
import { encodeEvents } from '../../../../src/local/event-hubs/amqp/event-encoder.ts';
import { BATCH_FORMAT, EventTable } from '../../../../src/local/event-hubs/amqp/event-table.ts';

const { message, types } = rhea;

/** Stores a received message as the log would and decodes what receivers would get. */
function storeAndDecode(bytes: Buffer, format: number) {
  const encoded = encodeEvents(new EventTable(bytes, format));
  const slab = Buffer.alloc(48 + encoded.maxBytes);
  const end = encoded.encode(slab, 48, 70, 9_000_000_000, 1_234);
  const events = [];
  for (let at = 48; at < end; ) {
    const next = at + 6 + slab.readUInt32BE(at);
    events.push({ offset: String(9_000_000_000 + at), event: message.decode(slab.subarray(at + 6, next)) });
    at = next;
  }
  return events;
}

const envelope = (events: object[], annotations?: object) =>
  message.encode({
    body: message.data_sections(events.map(event => message.encode(event))),
    ...(annotations ? { message_annotations: annotations } : {}),
  });

describe('a received message', () => {
  it('of one event keeps all it came with, annotated once', () => {
    const bytes = message.encode({
      durable: true,
      message_id: 'id-1',
      content_type: 'application/json',
      message_annotations: { 'x-opt-partition-key': 'key', mine: types.wrap_long(7), 'x-opt-offset': 'a lie' },
      application_properties: { model: 'diabetes', weight: 1.5 },
      body: message.data_section(Buffer.from('{"a":1}')),
    });
    const [{ event, offset } = expect.fail('no event')] = storeAndDecode(bytes, 0);
    expect(event.message_annotations).toEqual({
      'x-opt-sequence-number': 70,
      'x-opt-enqueued-time': new Date(1_234),
      'x-opt-offset': offset,
      'x-opt-partition-key': 'key',
      mine: 7,
    });
    expect(event).toMatchObject({ durable: true, message_id: 'id-1', content_type: 'application/json' });
    expect(event.application_properties).toEqual({ model: 'diabetes', weight: 1.5 });
    expect(event.body.content.toString()).toBe('{"a":1}');
  });

  it('of many events numbers them, and gives each the key of the envelope', () => {
    const bodies = Array.from({ length: 300 }, (_, i) => ({ body: message.data_section(Buffer.from(`event ${i}`)) }));
    const events = storeAndDecode(envelope(bodies, { 'x-opt-partition-key': 'shared' }), BATCH_FORMAT);
    expect(events.length).toBe(300);
    for (const [i, { event, offset }] of events.entries()) {
      expect(event.body.content.toString()).toBe(`event ${i}`);
      expect(event.message_annotations['x-opt-sequence-number']).toBe(70 + i);
      expect(event.message_annotations['x-opt-offset']).toBe(offset);
      expect(event.message_annotations['x-opt-partition-key']).toBe('shared');
    }
  });

  it('tells its partition key, from the envelope or the first event', () => {
    const keyed = { body: 'x', message_annotations: { 'x-opt-partition-key': 'inner' } };
    const keyOf = (bytes: Buffer, format: number) => new EventTable(bytes, format).partitionKey?.toString();
    expect(keyOf(envelope([keyed]), BATCH_FORMAT)).toBe('inner');
    expect(keyOf(envelope([keyed], { 'x-opt-partition-key': 'outer' }), BATCH_FORMAT)).toBe('outer');
    expect(keyOf(message.encode(keyed), 0)).toBe('inner');
    expect(keyOf(message.encode({ body: 'x' }), 0)).toBeUndefined();
  });

  it('tells where an idempotent producer stands', () => {
    const event = { body: 'x', message_annotations: { 'com.microsoft:producer-sequence-number': types.wrap_int(41) } };
    expect(new EventTable(envelope([event, event]), BATCH_FORMAT).producerSequence).toBe(41);
    expect(new EventTable(envelope([{ body: 'x' }]), BATCH_FORMAT).producerSequence).toBeUndefined();
  });

  it('that is cut or is no message is refused, wherever it is cut', () => {
    const bytes = envelope([{ body: 'x', message_id: 'a', message_annotations: { 'x-opt-partition-key': 'k' } }]);
    const decode = (cut: Buffer) => encodeEvents(new EventTable(cut, BATCH_FORMAT));
    decode(bytes);
    for (let length = 0; length < bytes.length; length++)
      expect(() => decode(bytes.subarray(0, length)), `${length} bytes`).toThrow(DecodeError);
    expect(() => new EventTable(Buffer.from('not AMQP at all'), 0)).toThrow(DecodeError);
  });
});
