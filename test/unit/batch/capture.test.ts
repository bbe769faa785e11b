import { describe, expect, it } from 'vitest';
import { openTable } from '../../../src/batch/table.ts';
import { createDecoder } from '../../../src/codecs/decoder.ts';
import { createTableScorer } from '../../../src/scoring/table.ts';
import { batchOptions, memorySource, scoreInRanges, sums, TIMESTAMP } from '../../support/batch.ts';
import { captured } from '../../support/captured.ts';

const open = (bytes: Buffer, change: Parameters<typeof batchOptions>[0] = {}) =>
  openTable(
    memorySource(bytes),
    { format: 'capture' },
    createTableScorer(sums, Date.now),
    batchOptions({ idColumn: 'request_id', ...change }),
    createDecoder(),
  );
const line = (id: string, sum: number) => `${id},${sum},${TIMESTAMP},1.0.0+0123abcd`;

describe('files of Event Hubs Capture', () => {
  it.each(['null', 'deflate'])('are read event by event, as the stream would (%s)', async codec => {
    const bodies = [
      { request_id: 'u', features: [1, 2] },
      { features: { a: 3, b: '4' } },
      {
        request_id: 'p',
        features: [
          [1, 1],
          [2, 2],
        ],
      },
      { request_id: 'x', features: [1] },
      { request_id: 'other', model: 'another', features: ['text'] },
      'no json',
      { request_id: 'q', features: [5, 5] },
    ];
    const bytes = await captured(bodies, codec);
    const { output, rejects, end, rows } = await scoreInRanges(await open(bytes), []);
    expect(output.trim().split('\n')).toEqual([
      'request_id,prediction,timestamp,model_version',
      ...[line('u', 3), line('1', 7), line('p/0', 2), line('p/1', 4), line('q', 10)],
    ]);
    expect(rejects).toMatchObject([
      { row: 5, code: 'schema_mismatch', raw: '{"request_id":"x","features":[1]}' },
      { row: 6, code: 'malformed_payload', raw: 'no json' },
    ]);
    expect(rows).toBe(7);
    expect(end).toBe(bytes.length);
  });

  it('are the same wherever they are cut', async () => {
    const bodies = Array.from({ length: 60 }, (_, i) => ({ request_id: `r${i}`, features: [i, 1] }));
    const bytes = await captured(bodies, 'null', [{ model: { string: 'another' } }]);
    const table = await open(bytes);
    const whole = await scoreInRanges(table, []);
    expect(whole.rows).toBe(59);
    expect(table.cuts(500).length).toBeGreaterThan(3);
    for (const most of [100, 500, 1777]) {
      const { output, broken, end } = await scoreInRanges(table, table.cuts(most));
      expect(output).toBe(whole.output);
      expect(broken).toBe(0);
      expect(end).toBe(bytes.length);
    }
  });

  it('that hold no event have no row', async () => {
    const bytes = await captured([{ features: [1, 2] }], 'null');
    const header = bytes.subarray(0, (await open(bytes)).from);
    const { rows, end } = await scoreInRanges(await open(header), []);
    expect({ rows, end }).toEqual({ rows: 0, end: header.length });
  });

  it.each([
    ['a,b\n', 'it is no Avro container'],
    ['Obj\x01', 'its header is not whole'],
  ])('%j is refused', (text, message) => expect(open(Buffer.from(text, 'latin1'))).rejects.toThrow(message));
});
