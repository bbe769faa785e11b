import { describe, expect, it } from 'vitest';
import { packLines } from '../../../src/cli/pack-lines.ts';
import { type RequestLine, readRequestLine } from '../../../src/cli/request-line.ts';

const linesOf = (texts: readonly string[], model?: string) =>
  texts.map((text, i) => readRequestLine(Buffer.from(text), i + 1, { pack: 100, model }) as RequestLine);
const bodies = (texts: readonly string[], most: number, model?: string) =>
  packLines(linesOf(texts, model), most).map(({ body }) => body.toString());

describe('lines as packs', () => {
  it('go under the ids of their requests, or the numbers of their lines', () => {
    const texts = [
      '{"request_id":"a","model":"m","features":[1,2]}',
      '{"request_id":12345678901234567890,"model":"m","features":{"x":"ä"}}',
      '{"model":"m","features":"text"}',
    ];
    expect(bodies(texts, 100)).toEqual([
      '{"model":"m","ids":["a",12345678901234567890,3],"on_error":"skip","features":[[1,2],{"x":"ä"},"text"]}',
    ]);
  });

  it('are full at so many rows, and hold what says the same beside', () => {
    const line = (i: number, more = '') => `{"request_id":${i},"features":[${i}]${more}}`;
    const texts = [line(1), line(2), line(3), line(4, ',"model":"other"'), line(5)];
    const sizes = packLines(linesOf(texts), 2).map(({ lines }) => lines.map(({ lineNumber }) => lineNumber));
    expect(sizes).toEqual([[1, 2], [3], [4], [5]]);
    expect(bodies(texts, 2, 'm')[0]).toBe('{"model":"m","ids":[1,2],"on_error":"skip","features":[[1],[2]]}');
  });

  it('leave what is no row as it is, in its place', () => {
    const odd = [
      '[{"features":[1]},{"features":[2]}]',
      '{"inputs":[{"name":"x","shape":[1,1],"datatype":"FP32","data":[1]}]}',
      '{"ids":["a"],"features":[[1]]}',
      '{"request_id":true,"features":[1]}',
      '{"features":[[1],[2]]}',
    ];
    const texts = ['{"features":[0]}', ...odd, '{"features":[9]}'];
    expect(bodies(texts, 10)).toEqual([
      '{"ids":[1],"on_error":"skip","features":[[0]]}',
      ...odd,
      '{"ids":[7],"on_error":"skip","features":[[9]]}',
    ]);
  });

  it('make no event, and no result, that is too large', () => {
    const large = Array.from({ length: 50 }, (_, i) => `{"request_id":${i},"features":["${'ä'.repeat(50_000)}"]}`);
    const packs = packLines(linesOf(large), 1000);
    expect(packs.length).toBeGreaterThan(1);
    for (const { body } of packs) expect(body.length).toBeLessThan(1_000_000);
    const small = Array.from({ length: 5_000 }, (_, i) => `{"request_id":"${'x'.repeat(40)}${i}","features":[${i}]}`);
    const rows = packLines(linesOf(small), 5_000).map(({ lines }) => lines.length);
    expect(Math.max(...rows)).toBeLessThan(1_000);
    expect(rows.reduce((sum, count) => sum + count, 0)).toBe(5_000);
  });
});
