import zlib from 'node:zlib';
import type { AnswerRun } from '../core/table-scorer.ts';
import { type AnswerValue, anyAnswer } from './any-answer.ts';
import { type Cells, type ColumnType, textOf } from './cells.ts';
import type { OutputForm } from './output-form.ts';
import type { RowWriter, WriterOptions } from './row-writer.ts';

/** Writes the scored rows of a range as a Parquet file of their own; nothing where there is no row. */
export class ParquetWriter implements RowWriter {
  readonly #options: WriterOptions;
  readonly #columns: { readonly name: string; type: ColumnType; readonly data: unknown[] }[];

  constructor(options: WriterOptions) {
    const { form, id, kept } = options;
    this.#options = options;
    const answers = form.answer.map(name => ({ name, type: answerType(form, name), data: [] }));
    const given = (name: string) => ({ name, type: 'STRING' as const, data: [] });
    this.#columns = [given(id), ...answers, ...['timestamp', 'model_version', ...kept].map(given)];
  }

  write({ from, to, at, said }: AnswerRun, cells: Cells): void {
    const { form, tally, kept, timestamp, modelVersion } = this.#options;
    const columns = this.#columns;
    const first = 1 + form.answer.length;
    cells.types.forEach((type, slot) => {
      (columns[slot === 0 ? 0 : first + 1 + slot] as { type: ColumnType }).type = type;
    });
    const put = (column: number, value: unknown) => {
      const { type, data } = columns[column] as (typeof columns)[number];
      data.push(as(type, value));
    };
    for (let row = from; row < to; row++) {
      put(0, cells.value(row, 0));
      const values: AnswerValue[] = anyAnswer(said, row - from + at, form, tally);
      for (let i = 0; i < values.length; i++) put(1 + i, values[i]);
      put(first, timestamp);
      put(first + 1, modelVersion);
      for (let slot = 1; slot <= kept.length; slot++) put(first + 1 + slot, cells.value(row, slot));
    }
    tally.scored += to - from;
  }

  async finish(): Promise<Buffer> {
    if (this.#columns[0]?.data.length === 0) return Buffer.alloc(0);
    const { parquetWriteBuffer } = await import('hyparquet-writer');
    const zstd = typeof zlib.zstdCompressSync === 'function'; // from Node.js 22.15 on
    const columnData = this.#columns.map(({ name, type, data }) => ({ name, type, data, nullable: true }));
    const bytes = parquetWriteBuffer({
      columnData,
      createdBy: 'hubscore',
      ...(zstd && {
        codec: 'ZSTD' as const,
        compressors: { ZSTD: (input: Uint8Array) => zlib.zstdCompressSync(input) },
      }),
    });
    return Buffer.from(bytes);
  }
}

/** The same for all ranges, whatever their rows say. */
function answerType({ kind, classes }: OutputForm, name: string): ColumnType {
  if (name === 'prediction_score' || name.startsWith('probability_')) return 'DOUBLE';
  if (name === 'prediction_class') {
    if (classes.length > 0 && classes.every(Number.isInteger)) return 'INT64';
    return classes.length > 0 && classes.every(label => typeof label === 'boolean') ? 'BOOLEAN' : 'STRING';
  }
  return kind === 'numbers' && name.startsWith('prediction') ? 'DOUBLE' : 'STRING';
}

function as(type: ColumnType, value: unknown): unknown {
  if (value === null || value === undefined) return null;
  switch (type) {
    case 'STRING':
      return textOf(value);
    case 'INT64':
      return typeof value === 'bigint' ? value : BigInt(value as number);
    case 'INT32':
    case 'FLOAT':
    case 'DOUBLE':
      return Number(value);
    default:
      return value;
  }
}
