import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openTable } from '../../../src/batch/table.ts';
import { createTableScorer } from '../../../src/scoring/table.ts';
import { batchOptions, memorySource, scoreInRanges, sums, TIMESTAMP } from '../../support/batch.ts';

const scorer = createTableScorer(sums, Date.now);
const open = (text: string, change: Parameters<typeof batchOptions>[0] = {}) =>
  openTable(memorySource(Buffer.from(text)), { format: 'ndjson' }, scorer, batchOptions(change));
const score = async (text: string, change: Parameters<typeof batchOptions>[0] = {}, cuts: number[] = []) =>
  scoreInRanges(await open(text, change), cuts);
const tail = `"timestamp":"${TIMESTAMP}","model_version":"1.0.0+0123abcd"`;

describe('NDJSON', () => {
  it('gives objects by name, or as in a request, and is answered in kind', async () => {
    const text = '{"id":"u","a":1,"b":"2","more":[1]}\r\n\n{"b":4,"a":3,"id":12345678901234567890}';
    const { output, rejects, rows } = await score(text, { format: 'ndjson', includeFeatures: true });
    expect(rejects).toEqual([]);
    expect(rows).toBe(2);
    expect(output).toBe(
      `{"id":"u","prediction":3,${tail},"a":1,"b":"2","more":[1]}\n` +
        `{"id":"12345678901234567890","prediction":7,${tail},"a":3,"b":4,"more":null}\n`,
    );
    const nested = await score('{"id":"u","features":{"a":1,"b":2}}\n{"id":"v","features":[3,4]}\n');
    expect(nested.output).toBe(
      `id,prediction,timestamp,model_version\nu,3,${TIMESTAMP},1.0.0+0123abcd\nv,7,${TIMESTAMP},1.0.0+0123abcd\n`,
    );
  });

  it('tells of each reject where it stands and why', async () => {
    const { rejects, statistics } = await score('{"id":"u","a":1,"b":2}\n{"id":"v","a":1}\nnone\n{"a":1,"b":2}\n');
    expect(rejects).toEqual([
      {
        row: 2,
        offset: 23,
        code: 'schema_mismatch',
        message: expect.stringContaining('feature b is missing'),
        raw: '{"id":"v","a":1}',
      },
      { row: 3, offset: 40, code: 'malformed_payload', message: 'the line is no JSON object', raw: 'none' },
      { row: 4, offset: 45, code: 'malformed_payload', message: 'the row has no "id"', raw: '{"a":1,"b":2}' },
    ]);
    expect(statistics).toMatchObject({ rows: { scored: 1, rejected: 3 }, features: { b: { missing: 1 } } });
  });

  it.each([
    ['', 'the file is empty'],
    ['\n\n', 'the file has no row'],
    ['a,b\n1,2\n', 'none of the first lines is a JSON object'],
    ['{"id":1,"a":2}\n', 'lacks the feature "b"'],
  ])('%j is refused', (text, message) => expect(open(text)).rejects.toThrow(message));

  it('is the same wherever it is cut', async () => {
    const line = fc.oneof(
      fc.record({ id: fc.string(), a: fc.integer(), b: fc.integer() }).map(row => JSON.stringify(row)),
      fc.constantFrom('', '  ', 'x'),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(line, { maxLength: 30 }),
        fc.array(fc.nat(2000)),
        fc.boolean(),
        async (lines, cuts, last) => {
          const text = ['{"id":"first","a":1,"b":2}', ...lines].join('\n') + (last ? '\n' : '');
          const bytes = Buffer.byteLength(text);
          const whole = await score(text);
          const parts = await score(
            text,
            {},
            cuts.map(cut => cut % bytes).sort((one, other) => one - other),
          );
          expect(parts).toEqual({ ...whole, statistics: expect.anything() });
          expect(parts.broken).toBe(0);
          expect(parts.end).toBe(bytes);
          expect(parts.rows).toBe(1 + lines.filter(row => row.trim() !== '').length);
        },
      ),
    );
  });
});
