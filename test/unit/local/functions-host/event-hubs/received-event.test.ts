import fc from 'fast-check';
import rhea from 'rhea';
import { describe, expect, it } from 'vitest';
import { readValue, skipValue } from '../../../../../src/local/functions-host/event-hubs/amqp-value.ts';
import { ReceivedEvent } from '../../../../../src/local/functions-host/event-hubs/received-event.ts';
import { counted, list, map, NULL, nestedLists, text } from '../../../../support/amqp-bytes.ts';
import { eventOf, payloadOf } from './event-of.ts';

interface Types {
  Writer: new () => { write(value: unknown): void; toBuffer(): Buffer };
  wrap(value: unknown): unknown;
  [wrapper: `wrap_${string}`]: (value: unknown, ...rest: unknown[]) => unknown;
}
const types = rhea.types as unknown as Types;

function encode(value: unknown): Buffer {
  const writer = new types.Writer();
  writer.write(value);
  return writer.toBuffer();
}

describe('readValue', () => {
  it.each([
    ['true', types.wrap_boolean?.(true), true],
    ['small uint', types.wrap_uint?.(7), 7],
    ['uint', types.wrap_uint?.(4_000_000_000), 4_000_000_000],
    ['small int', types.wrap_int?.(-7), -7],
    ['int', types.wrap_int?.(-2_000_000_000), -2_000_000_000],
    ['small long', types.wrap_long?.(-3), -3],
    ['long', types.wrap_long?.(-(2 ** 53) + 1), -(2 ** 53) + 1],
    ['ulong', types.wrap_ulong?.(2 ** 52), 2 ** 52],
    ['short', types.wrap_short?.(-300), -300],
    ['ushort', types.wrap_ushort?.(65_000), 65_000],
    ['byte', types.wrap_byte?.(-100), -100],
    ['ubyte', types.wrap_ubyte?.(200), 200],
    ['float', types.wrap_float?.(0.5), 0.5],
    ['double', types.wrap_double?.(Math.PI), Math.PI],
    ['timestamp', types.wrap_timestamp?.(1_790_000_000_123), new Date(1_790_000_000_123)],
    ['text', types.wrap_string?.('grün'), 'grün'],
    ['long text', types.wrap_string?.('ü'.repeat(300)), 'ü'.repeat(300)],
    ['symbol', types.wrap_symbol?.('x-opt-offset'), 'x-opt-offset'],
    ['binary', types.wrap_binary?.(Buffer.from([0, 255])), Buffer.from([0, 255])],
    ['list', types.wrap_list?.(['a', 1, null]), ['a', 1, null]],
    ['map', types.wrap_map?.({ a: { b: 'c' } }), { a: { b: 'c' } }],
  ])('reads %s', (_, wrapped, value) => {
    const buffer = encode(wrapped);
    const cursor = { buffer: Buffer.concat([buffer, Buffer.from([0x41])]), at: 0 };
    expect(readValue(cursor)).toEqual(value);
    expect(cursor.at).toBe(buffer.length);
    const skipped = { buffer: cursor.buffer, at: 0 };
    skipValue(skipped);
    expect(skipped.at).toBe(buffer.length);
  });
});

describe('readValue, given what no value can be made of,', () => {
  const nulls = (count: number) => counted(0xf0, count, [NULL]);
  const depthOf = (value: unknown): number => (Array.isArray(value) && value.length > 0 ? 1 + depthOf(value[0]) : 0);

  it.each([
    ['2^31 nulls', nulls(2 ** 31), null],
    ['a list of 2^32 - 1', counted(0xd0, 2 ** 32 - 1, []), []],
    ['a map of 2^32 - 2', counted(0xd1, 2 ** 32 - 2, []), {}],
    ['numbers beyond its end', counted(0xf0, 1_000_000, [0x71, 0, 0, 0, 1]), null],
    ['a type that there is not', list([0x1f, 1]), []],
    ['an element beyond its list', Buffer.from([0xc0, 3, 1, 0xa1, 9, ...Buffer.alloc(9)]), []],
    ['a character behind the last one', [0x73, 0x00, 0x11, 0x00, 0x00], '\uFFFD'],
    ['the last character', [0x73, 0x00, 0x10, 0xff, 0xff], '\u{10ffff}'],
    ['the latest time', [0x83, 0x7f, ...Buffer.alloc(7, 255)], new Date('9999-12-31T23:59:59.999Z')],
    ['the earliest time', [0x83, 0x80, 0, 0, 0, 0, 0, 0, 0], new Date('0001-01-01T00:00:00.000Z')],
    ['a map as a key', counted(0xd1, 2, [...map({ toString: text('x') }), 0x41]), {}],
    ['nulls as many as its bytes hold', nulls(10), Array.from({ length: 10 }, () => null)],
  ])('reads %s as nothing, or the nearest there is', (_, bytes, value) => {
    const buffer = Buffer.from(bytes);
    const cursor = { buffer, at: 0 };
    expect(readValue(cursor)).toEqual(value);
    expect(cursor.at <= buffer.length).toBe(true);
  });

  it('makes no more elements without bytes than the event has bytes, in all its arrays together', () => {
    const buffer = counted(0xf0, 20_000, [0xe0, ...Buffer.alloc(60_000, Buffer.from([2, 255, NULL]))]);
    const arrays = readValue({ buffer, at: 0 }) as unknown[];
    expect(arrays).toHaveLength(20_000);
    const elements = arrays.flat().length;
    expect(elements).toBeGreaterThan(buffer.length);
    expect(elements).toBeLessThan(2 * buffer.length);
  });

  it('goes on behind what is nested too deeply', () => {
    const chains = [Buffer.alloc(500_000, Buffer.from([0, NULL])), Buffer.alloc(500_000)];
    for (const bytes of [
      nestedLists(30_000),
      ...chains.map(chain => Buffer.concat([chain, Buffer.alloc(500_001, NULL)])),
    ]) {
      const cursor = { buffer: Buffer.concat([bytes, Buffer.from([0x41])]), at: 0 };
      expect(depthOf(readValue(cursor))).toBeLessThan(70);
      if (bytes.length !== 1_000_001) expect(cursor.at).toBe(bytes.length);
    }
  });
});

describe('ReceivedEvent', () => {
  it('has body and what the service added, whatever the producer put around it', () => {
    const scalar = fc.oneof(
      fc.string(),
      fc.boolean(),
      fc.integer(),
      fc.double({ min: -1e9, max: 1e9, noNaN: true }).filter(value => !Object.is(value, -0)),
    );
    const dictionary = fc.dictionary(fc.stringMatching(/^[a-z][a-z-]{0,30}$/), scalar, { maxKeys: 5 });
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 600 }),
        fc.maxSafeNat(),
        fc.option(fc.string({ maxLength: 300 }), { nil: undefined }),
        dictionary,
        dictionary,
        (body, sequenceNumber, partitionKey, annotations, properties) => {
          const init = {
            body: Buffer.from(body),
            sequenceNumber,
            offset: String(sequenceNumber),
            enqueuedAtMs: 1_790_000_000_123,
            annotations,
            properties,
            fields: { message_id: 'm', content_type: 'a/b', durable: true },
          };
          const event = eventOf(partitionKey === undefined ? init : { ...init, partitionKey });
          expect(event).toMatchObject({
            sequenceNumber,
            offset: String(sequenceNumber),
            enqueuedAtMs: 1_790_000_000_123,
            partitionKey,
          });
          expect(event.body.equals(body)).toBe(true);
          expect(event.applicationProperties()).toEqual(properties);
          expect(event.annotations()).toMatchObject(annotations);
          expect(event.properties().slice(0, 7)).toEqual(['m', null, null, null, null, null, 'a/b']);
        },
      ),
    );
  });

  it('joins data sections, and takes other bodies as text or JSON', () => {
    const annotations = payloadOf({ sequenceNumber: 5 });
    const bare = annotations.subarray(0, annotations.indexOf(Buffer.from([0, 0x53, 0x75])));
    const data = (text: string) => Buffer.concat([Buffer.from([0, 0x53, 0x75, 0xa0, text.length]), Buffer.from(text)]);
    expect(String(new ReceivedEvent(Buffer.concat([bare, data('ab'), data('cd')])).body)).toBe('abcd');
    const value = (wrapped: unknown) => Buffer.concat([bare, Buffer.from([0, 0x53, 0x77]), encode(wrapped)]);
    expect(String(new ReceivedEvent(value(types.wrap_string?.('text'))).body)).toBe('text');
    expect(String(new ReceivedEvent(value(types.wrap_map?.({ a: 1 }))).body)).toBe('{"a":1}');
  });

  it('says no to bytes that are no message', () => {
    expect(() => new ReceivedEvent(Buffer.from('GET / HTTP/1.1'))).toThrow(RangeError);
  });
});
