import { readFileSync } from 'node:fs';
import { encode } from '@msgpack/msgpack';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkCounts } from '../../../src/codecs/msgpack/check-counts.ts';
import { scoreMapped } from '../../support/mapped-scoring.ts';

/** What Python's msgpack wrote: test/fixtures/inputs/make.py. */
const file = new URL('../../fixtures/inputs/msgpack.json', import.meta.url);
const bodies = (JSON.parse(readFileSync(file, 'utf8')) as { bodies: string[] }).bodies.map(hex =>
  Buffer.from(hex, 'hex'),
);

describe('MessagePack', () => {
  it.each([
    ['its content type', undefined, { contentType: 'application/x-msgpack' }],
    ['the card', { format: 'msgpack', carry: ['$.big', '$.at'] }, {}],
  ])('is known by %s', async (_, input, event) => {
    const { endings } = await scoreMapped(input, bodies, event);
    expect(endings).toMatchObject({
      100: { request_id: 'p1', prediction: 17 },
      101: { request_id: 7, prediction: 30 },
    });
    if (input !== undefined)
      expect(endings[100].carried).toEqual({ big: '9223372036854775808', at: '1970-01-01T00:00:01.500Z' });
  });

  it('may be a request, or a list of rows', async () => {
    const packed = [{ features: [1, 2], request_id: 'r' }, [{ a: 1 }, { a: 2 }]].map(value =>
      Buffer.from(encode(value)),
    );
    const { endings } = await scoreMapped(undefined, packed, { contentType: 'application/msgpack' });
    expect(endings).toMatchObject({ 100: { prediction: 12 }, '101/1': { prediction: 20 } });
  });

  it.each(['', 'c1', '92', '81a1', 'ddffffffff', 'dd000f4240dd000f4240', '9391c0'])(
    'that is none is a dead letter: %s',
    async hex => {
      const { endings } = await scoreMapped({ format: 'msgpack' }, [Buffer.from(hex, 'hex')]);
      expect(endings[100].error).toMatchObject({ code: 'malformed_payload' });
      expect(endings[100].error.message).toMatch(/^the body is no MessagePack: /);
    },
  );

  it('that announces more than it holds is refused before room is made for it, and nothing else', () => {
    expect(() => checkCounts(Buffer.from('dd000f4240dd000f4240', 'hex'))).toThrow('it announces more than it holds');
    fc.assert(
      fc.property(fc.jsonValue(), fc.uint8Array({ maxLength: 300 }), (value, bytes) => {
        checkCounts(Buffer.from(encode([value, bytes, new Date(5), 2 ** 40, -1.5], { useBigInt64: false })));
      }),
    );
  });
});
