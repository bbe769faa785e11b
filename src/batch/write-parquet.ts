import zlib from 'node:zlib';
import { shortFloat } from '../core/short-float.ts';
import type { AnswerRun } from '../core/table-scorer.ts';
import { type AnswerValue, anyAnswer } from './any-answer.ts';
import { type Cells, type ColumnType, textOf } from './cells.ts';
import { ClassAnswers } from './class-answers.ts';
import type { OutputForm } from './output-form.ts';
import type { RowWriter, WriterOptions } from './row-writer.ts';

interface ParquetColumn {
  readonly name: string;
  type: ColumnType;
  readonly data: unknown[];
}

/** Writes the scored rows of a range as a Parquet file of their own; nothing where there is no row. */
export class ParquetWriter implements RowWriter {
  readonly #options: WriterOptions;
  readonly #columns: ParquetColumn[];

  constructor(options: WriterOptions) {
    const { form, id, kept } = options;
    this.#options = options;
    const answers = form.answer.map(name => ({ name, type: answerType(form, name), data: [] }));
    const given = (name: string) => ({ name, type: 'STRING' as const, data: [] });
    this.#columns = [given(id), ...answers, ...['timestamp', 'model_version', ...kept].map(given)];
  }

  write({ from, to, at, said }: AnswerRun, cells: Cells): void {
    const { form, tally, timestamp, modelVersion } = this.#options;
    const columns = this.#columns;
    const first = 1 + form.answer.length;
    const put = (column: number, value: unknown) => {
      const { type, data } = columns[column] as ParquetColumn;
      data.push(as(type, value));
    };
    // Column by column, as they are kept: what the values of one have in common is looked at once.
    cells.types.forEach((type, slot) => {
      const column = columns[slot === 0 ? 0 : first + 1 + slot] as ParquetColumn;
      column.type = type;
      for (let row = from; row < to; row++) column.data.push(as(type, cells.value(row, slot)));
    });
    for (const [column, value] of [timestamp, modelVersion].entries())
      for (let row = from; row < to; row++) (columns[first + column] as ParquetColumn).data.push(value);
    if (said.kind === 'classes' && form.kind === 'classes' && !form.extra)
      this.#writeClasses(new ClassAnswers(said, form.classes.map(String), tally), at, at + to - from);
    else {
      for (let row = from; row < to; row++) {
        const values: AnswerValue[] = anyAnswer(said, row - from + at, form, tally);
        for (let i = 0; i < values.length; i++) put(1 + i, values[i]);
      }
    }
    tally.scored += to - from;
  }

  #writeClasses(answers: ClassAnswers, from: number, to: number): void {
    const { classes, probabilities } = this.#options.form;
    const [scores, labels, ...others] = this.#columns.slice(1) as [ParquetColumn, ParquetColumn, ...ParquetColumn[]];
    const names = classes.map(label => as(labels.type, label));
    for (let answer = from; answer < to; answer++) {
      const score = answers.read(answer);
      scores.data.push(answers.probable ? shortFloat(score) : null);
      labels.data.push(names[answers.place]);
      for (let place = 0; probabilities && place < names.length; place++)
        (others[place] as ParquetColumn).data.push(
          answers.probable ? shortFloat(answers.probability(answer, place)) : null,
        );
    }
    answers.count();
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
