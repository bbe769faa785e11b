import { parquetMetadata, parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { describe, expect, it } from 'vitest';
import { openTable } from '../../../src/batch/table.ts';
import { createTableScorer } from '../../../src/scoring/table.ts';
import { batchOptions, memorySource, openVersion, scoreInRanges, sums, TIMESTAMP } from '../../support/batch.ts';

const file = Buffer.from(
  parquetWriteBuffer({
    columnData: [
      { name: 'b', data: [0.5, null, 2.5, 3], type: 'DOUBLE', nullable: true },
      { name: 'id', data: [10n ** 17n, 2n, 3n, 4n], type: 'INT64' },
      { name: 'a', data: [1, 2, 3, 4], type: 'INT32' },
      { name: 'name', data: ['u', 'Zoë, "x"', null, 'w'], type: 'STRING', nullable: true },
    ],
    rowGroupSize: 2,
  }),
);
const open = (bytes: Buffer, change: Parameters<typeof batchOptions>[0] = {}) =>
  openTable(memorySource(bytes), { format: 'parquet' }, createTableScorer(sums, Date.now), batchOptions(change));

const rowsOf = (bytes: Buffer) => {
  const copy = Uint8Array.from(bytes).buffer;
  return parquetReadObjects({ file: copy, compressors });
};

describe('Parquet', () => {
  it('is read by row groups, nulls are missing, and CSV comes out', async () => {
    const table = await open(file, { includeFeatures: true });
    expect(table.cuts(1)).toEqual([2]);
    const { output, rejects, end, statistics } = await scoreInRanges(table, table.cuts(1));
    expect(output).toBe(
      'id,prediction,timestamp,model_version,b,a,name\n' +
        `100000000000000000,1.5,${TIMESTAMP},1.0.0+0123abcd,0.5,1,u\n` +
        `3,5.5,${TIMESTAMP},1.0.0+0123abcd,2.5,3,\n` +
        `4,7,${TIMESTAMP},1.0.0+0123abcd,3,4,w\n`,
    );
    expect(rejects).toEqual([
      {
        row: 2,
        offset: 1,
        code: 'schema_mismatch',
        message: expect.stringContaining('feature b is missing'),
        raw: '{"a":2,"b":null,"id":"2","name":"Zoë, \\"x\\""}',
      },
    ]);
    expect(end).toBe(4);
    expect(statistics.features.b).toMatchObject({ count: 3, mean: 2, missing: 1 });
  });

  it('comes out with the types that went in', async () => {
    const table = await open(file, { includeFeatures: true, format: 'parquet' });
    const { output } = await table.score({ from: 0, to: 4 }, new AbortController().signal);
    const own = { timestamp: TIMESTAMP, model_version: '1.0.0+0123abcd' };
    expect(await rowsOf(output)).toEqual([
      { id: 10n ** 17n, prediction: 1.5, ...own, b: 0.5, a: 1, name: 'u' },
      { id: 3n, prediction: 5.5, ...own, b: 2.5, a: 3, name: null },
      { id: 4n, prediction: 7, ...own, b: 3, a: 4, name: 'w' },
    ]);
    const metadata = parquetMetadata(Uint8Array.from(output).buffer);
    expect(metadata.row_groups[0]?.columns[0]?.meta_data?.codec).toBe('ZSTD');
  });

  it('has scores, and classes as the model names them', async () => {
    const { version, close } = await openVersion('samples/models/diabetes/1.0.0');
    const columnData = version.card.features.map(({ name }, i) => ({
      name,
      data: Float64Array.from([50 + i, 20 - i]),
    }));
    const bytes = Buffer.from(parquetWriteBuffer({ columnData }));
    const scorer = createTableScorer(version, Date.now);
    const options = batchOptions({ idColumn: undefined, format: 'parquet' });
    const table = await openTable(memorySource(bytes), { format: 'parquet' }, scorer, options);
    const { output } = await table.score({ from: 0, to: 2 }, new AbortController().signal);
    expect(await rowsOf(output)).toEqual([
      {
        row: 1n,
        prediction_score: expect.any(Number),
        prediction_class: expect.any(BigInt),
        timestamp: TIMESTAMP,
        model_version: version.label,
      },
      expect.objectContaining({ row: 2n }),
    ]);
    await close();
  });

  it.each([
    [Buffer.alloc(0), 'the file is empty'],
    [Buffer.from('a,b\n1,2\n'), 'it is no Parquet that can be read'],
    [file.subarray(0, -20), 'it is no Parquet that can be read'],
  ])('%# is refused', (bytes, message) => expect(open(bytes)).rejects.toThrow(message));
});
