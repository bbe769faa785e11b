import { message, types } from 'rhea-promise';
import { beforeAll, describe, expect, it } from 'vitest';
import { boundAmqp, type Rhea } from '../../../src/core/bounded-amqp.ts';
import { counted, described, LIST0, list, map, NULL, nestedLists, symbol, text } from '../../support/amqp-bytes.ts';

beforeAll(() => boundAmqp({ types, message } as unknown as Rhea));

const ANNOTATIONS = described(0x72, map({ 'x-opt-sequence-number': [0x55, 7] }, symbol));
const BODY = described(0x75, [0xa0, 1, 97]);
const decode = (...sections: Uint8Array[]) =>
  message.decode(Buffer.concat(sections)) as unknown as {
    readonly message_annotations?: Record<string, unknown>;
    readonly application_properties?: Record<string, unknown>;
    readonly creation_time?: unknown;
    readonly body?: unknown;
  };
const nulls = (count: number) => counted(0xf0, count, [NULL]);

describe('a message that claims too much', () => {
  for (const [name, value, read] of [
    ['2^31 nulls', nulls(2 ** 31), null],
    ['2^31 empty lists', counted(0xf0, 2 ** 31, [LIST0]), null],
    [
      '20,000 arrays of 255 nulls',
      counted(0xf0, 20_000, [0xe0, ...Buffer.alloc(60_000, Buffer.from([2, 255, NULL]))]),
      null,
    ],
    ['a list of 2^32 - 1', counted(0xd0, 2 ** 32 - 1, []), []],
    ['a map of 2^32 - 2', counted(0xd1, 2 ** 32 - 2, []), {}],
    ['numbers beyond its end', counted(0xf0, 1_000_000, [0x71, 0, 0, 0, 1]), null],
    ['a type that there is not', list([0x5f, 1], [0x55, 2]), [null, 2]],
    ['nulls as many as its bytes hold', counted(0xf0, 9, [NULL]), Array.from({ length: 9 }, () => null)],
  ] as const)
    it(`is read without them: ${name}`, () => {
      const { message_annotations, body } = decode(ANNOTATIONS, described(0x77, value));
      expect(message_annotations).toEqual({ 'x-opt-sequence-number': 7 });
      expect(body).toEqual(read);
    });

  it('keeps what stands beside it in a map, and in the message', () => {
    const its = decode(
      described(0x72, map({ bomb: nulls(2 ** 31), 'x-opt-sequence-number': [0x55, 7] }, symbol)),
      described(
        0x74,
        map({
          bomb: nulls(2 ** 31),
          chain: [...Buffer.alloc(200_000, Buffer.from([0, NULL])), NULL],
          model: text('churn'),
        }),
      ),
      BODY,
    );
    expect(its.message_annotations).toEqual({ bomb: null, 'x-opt-sequence-number': 7 });
    expect(its.application_properties).toMatchObject({ bomb: null, model: 'churn' });
    expect(its.body).toMatchObject({ content: Buffer.from('a') });
  });

  it('smuggles in no section behind the elements that a list counts', () => {
    const forged = described(0x72, map({ 'x-opt-sequence-number': [0x55, 9] }, symbol));
    const its = decode(ANNOTATIONS, described(0x73, counted(0xd0, 1, [NULL, ...forged])), BODY);
    expect(its.message_annotations).toEqual({ 'x-opt-sequence-number': 7 });
    expect(its.body).toMatchObject({ content: Buffer.from('a') });
  });

  it('gives nothing the methods of another object', () => {
    const entries = Buffer.concat([
      text('__proto__'),
      Buffer.from([0x83, ...Buffer.alloc(8)]),
      text('b'),
      Buffer.from([0x41]),
    ]);
    const { application_properties: properties } = decode(
      ANNOTATIONS,
      described(0x74, counted(0xd1, 4, entries)),
      BODY,
    );
    expect(properties).toEqual({ b: true });
    expect(Object.getPrototypeOf(properties)).toBe(Object.prototype);
  });

  it('is read as deep as anybody writes, and no deeper', () => {
    const depthOf = (value: unknown): number => (Array.isArray(value) && value.length > 0 ? 1 + depthOf(value[0]) : 0);
    expect(depthOf(decode(described(0x77, nestedLists(50))).body)).toBe(50);
    expect(depthOf(decode(described(0x77, nestedLists(30_000))).body)).toBe(64);
  });

  it('loses a section that is none of its kind, and keeps the others', () => {
    const its = decode(ANNOTATIONS, described(0x74, text('no map')), BODY, described(0x78, [NULL]));
    expect(its.message_annotations).toEqual({ 'x-opt-sequence-number': 7 });
    expect(its.application_properties).toBeUndefined();
    expect(its.body).toMatchObject({ content: Buffer.from('a') });
  });

  it('keeps what stands before descriptors without end', () => {
    for (const chain of [Buffer.alloc(1_000_000), Buffer.alloc(1_000_001, Buffer.from([0, NULL]))])
      expect(decode(ANNOTATIONS, described(0x77, chain)).message_annotations).toEqual({ 'x-opt-sequence-number': 7 });
  });
});
