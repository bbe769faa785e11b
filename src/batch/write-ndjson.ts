import type { AnswerRun } from '../core/table-scorer.ts';
import { anyAnswer } from './any-answer.ts';
import { bigsAsText, type Cells } from './cells.ts';
import { Growing } from './growing.ts';
import type { RowWriter, WriterOptions } from './row-writer.ts';

/** Writes scored rows as JSON, an object a line. What is a list or an object in an answer stands as such. */
export class NdjsonWriter implements RowWriter {
  readonly #options: WriterOptions;
  readonly #out: Growing;
  readonly #tail: string;
  readonly #keys: readonly string[];

  constructor(options: WriterOptions) {
    const { form, timestamp, modelVersion, id, kept, expected, into } = options;
    this.#options = options;
    this.#out = new Growing(expected, into);
    this.#keys = [id, ...form.answer, ...kept].map(name => JSON.stringify(name));
    this.#tail = `,"timestamp":${JSON.stringify(timestamp)},"model_version":${JSON.stringify(modelVersion)}`;
  }

  write({ from, to, at, said }: AnswerRun, cells: Cells): void {
    const { form, tally, kept } = this.#options;
    const keys = this.#keys;
    for (let row = from; row < to; row++) {
      let line = `{${keys[0]}:${json(cells.value(row, 0))}`;
      anyAnswer(said, row - from + at, form, tally, true).forEach((value, i) => {
        line += `,${keys[i + 1]}:${json(value)}`;
      });
      line += this.#tail;
      for (let slot = 1; slot <= kept.length; slot++)
        line += `,${keys[form.answer.length + slot]}:${json(cells.value(row, slot))}`;
      line += '}\n';
      const into = this.#out.reserve(3 * line.length);
      this.#out.length += into.write(line, this.#out.length, 'utf8');
    }
    tally.scored += to - from;
  }

  finish(): Buffer {
    return this.#out.written;
  }
}

function json(value: unknown): string {
  return JSON.stringify(value, bigsAsText) ?? 'null';
}
