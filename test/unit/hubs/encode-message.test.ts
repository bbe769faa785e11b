import fc from 'fast-check';
import { message } from 'rhea-promise';
import { describe, expect, it } from 'vitest';
import type { OutgoingMessage } from '../../../src/core/ending-messages.ts';
import { BatchEncoder } from '../../../src/hubs/encode-message.ts';

/** What rhea, the SDK's own base, reads out of a batch envelope. */
function decodeBatch(bytes: Buffer) {
  const { body } = message.decode(bytes);
  const content = (body as { content: Buffer | Buffer[] }).content;
  return (Array.isArray(content) ? content : [content]).map(inner => {
    const { message_id, correlation_id, content_type, application_properties, body } = message.decode(inner);
    return {
      message_id,
      correlation_id,
      content_type,
      application_properties,
      body: (body as { content: Buffer }).content,
    };
  });
}

function encode(messages: readonly OutgoingMessage[], limit = 1_048_576) {
  const encoder = new BatchEncoder(limit);
  const count = messages.findIndex(item => !encoder.tryAdd(item));
  return { encoder, count: count < 0 ? messages.length : count };
}

const text = fc.string({ unit: 'grapheme', maxLength: 400 });
const properties = fc.dictionary(
  fc.string({ minLength: 1, maxLength: 40 }).filter(name => name !== '__proto__'),
  fc.oneof(text, fc.maxSafeInteger(), fc.double({ noNaN: true, noInteger: true })),
  {
    maxKeys: 8,
    noNullPrototype: true,
  },
);
const outgoing = fc.record({
  messageId: text,
  correlationId: fc.option(text, { nil: undefined }),
  shared: properties,
  own: properties,
  body: fc.uint8Array({ maxLength: 5_000 }).map(bytes => Buffer.from(bytes)),
});

describe('BatchEncoder', () => {
  it('writes what rhea reads, whatever the texts, numbers and bytes', () => {
    fc.assert(
      fc.property(fc.array(outgoing, { minLength: 1, maxLength: 12 }), messages => {
        const { encoder } = encode(messages);
        const decoded = decodeBatch(encoder.bytes());
        expect(decoded).toHaveLength(messages.length);
        for (const [i, { messageId, correlationId, shared, own, body }] of messages.entries()) {
          const own2 = Object.fromEntries(Object.entries(own).filter(([name]) => !(name in shared)));
          expect(decoded[i]?.message_id).toBe(messageId);
          expect(decoded[i]?.correlation_id).toBe(correlationId);
          expect(decoded[i]?.content_type).toBe('application/json');
          expect(decoded[i]?.application_properties).toEqual({ ...shared, ...own2, ...pick(own, shared) });
          expect(decoded[i]?.body.equals(body)).toBe(true);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('never passes its limit, and takes messages until one does not fit', () => {
    fc.assert(
      fc.property(
        fc.array(outgoing, { minLength: 1, maxLength: 30 }),
        fc.integer({ min: 200, max: 20_000 }),
        (messages, limit) => {
          const { encoder, count } = encode(messages, limit);
          expect(encoder.length).toBeLessThanOrEqual(limit);
          expect(encoder.bytes().length).toBe(encoder.length);
          if (count > 0) expect(decodeBatch(encoder.bytes())).toHaveLength(count);
          const next = messages[count];
          if (!next) return;
          const alone = new BatchEncoder(1_048_576);
          alone.tryAdd(next);
          expect(encoder.length + alone.length).toBeGreaterThan(limit);
        },
      ),
    );
  });

  it('begins anew after reset, and keeps an earlier refusal out of the bytes', () => {
    const encoder = new BatchEncoder(1_000);
    const small = { messageId: 'a', shared: {}, own: {}, body: Buffer.from('1') };
    expect(encoder.tryAdd(small)).toBe(true);
    expect(encoder.tryAdd({ ...small, body: Buffer.alloc(2_000) })).toBe(false);
    expect(decodeBatch(encoder.bytes()).map(item => item.message_id)).toEqual(['a']);
    encoder.reset();
    expect(encoder.tryAdd({ ...small, messageId: 'b' })).toBe(true);
    expect(decodeBatch(encoder.bytes()).map(item => item.message_id)).toEqual(['b']);
  });

  it('writes whole numbers as longs, over their whole range', () => {
    const numbers = [
      0,
      1,
      -1,
      2 ** 31,
      -(2 ** 31),
      2 ** 32,
      -(2 ** 32) - 1,
      Number.MAX_SAFE_INTEGER,
      Number.MIN_SAFE_INTEGER,
    ];
    const { encoder } = encode(numbers.map(n => ({ messageId: '', shared: {}, own: { n }, body: Buffer.alloc(0) })));
    expect(decodeBatch(encoder.bytes()).map(item => item.application_properties?.n)).toEqual(numbers);
  });
});

/** A name in both places is written twice; the later one, the message's own, is what counts. */
function pick(own: OutgoingMessage['own'], shared: OutgoingMessage['shared']) {
  return Object.fromEntries(Object.entries(own).filter(([name]) => name in shared));
}

it('a frame that is kept keeps no page of the buffers that were made beside it', () => {
  const encoder = new BatchEncoder(1_000_000);
  const kept = Array.from({ length: 20 }, (_, version) => {
    const shared = { model_version: `1.2.${version}` };
    const make = () => {
      const bytes = encoder.encode({
        messageId: 'r/0/1',
        correlationId: undefined,
        shared,
        own: {},
        body: Buffer.of(),
      });
      return { bytes, digitsAt: 0, digits: 1, end: 10, hasBucket: false };
    };
    const frame = encoder.frames.of(`${version}`, make);
    expect(frame.bytes).toEqual(make().bytes);
    return frame.bytes.buffer.byteLength;
  });
  expect(Math.max(...kept)).toBeLessThan(200);
});
