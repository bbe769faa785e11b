import { writeShortFloat } from '../core/short-float.ts';
import type { AnswerRun } from '../core/table-scorer.ts';
import { anyAnswer } from './any-answer.ts';
import { type Cells, csvCell } from './cells.ts';
import { ClassAnswers } from './class-answers.ts';
import { append, Growing } from './growing.ts';
import type { OutputForm } from './output-form.ts';
import type { RowWriter, WriterOptions } from './row-writer.ts';
import type { ScoreTally } from './scores.ts';

const [COMMA, LF] = [44, 10];
const NUMBER_BYTES = 25;

/** Writes scored rows as CSV. */
export class CsvWriter implements RowWriter {
  readonly #out: Growing;
  readonly #form: OutputForm;
  readonly #tally: ScoreTally;
  readonly #tail: Buffer;
  readonly #classes: readonly Buffer[];
  readonly #classNames: readonly string[];
  readonly #room: number;

  constructor({ form, modelVersion, timestamp, tally, expected, into }: WriterOptions) {
    this.#out = new Growing(expected, into);
    this.#form = form;
    this.#tally = tally;
    this.#tail = Buffer.from(`,${csvCell(timestamp)},${csvCell(modelVersion)}`);
    this.#classNames = form.classes.map(String);
    this.#classes = this.#classNames.map(name => Buffer.from(csvCell(name)));
    const longest = this.#classes.reduce((most, { length }) => Math.max(most, length), 0);
    this.#room = this.#tail.length + longest + NUMBER_BYTES * (2 + form.classes.length) + 8;
  }

  static header(names: readonly string[]): Buffer {
    return Buffer.from(`${names.map(csvCell).join(',')}\n`);
  }

  write(run: AnswerRun, cells: Cells): void {
    const out = this.#out;
    const { said } = run;
    if (said.kind === 'classes' && this.#form.kind === 'classes' && !this.#form.extra)
      this.#writeClasses(out, run, new ClassAnswers(said, this.#classNames, this.#tally), cells);
    else if (said.kind === 'numbers' && this.#form.targets === 1 && !this.#form.extra) {
      for (let row = run.from; row < run.to; row++) {
        const into = out.reserve(this.#room + cells.room(row));
        let at = cells.writeCsv(row, 0, into, out.length);
        const number = said.numbers[row - run.from + run.at] as number;
        this.#tally.addScore(number);
        into[at++] = COMMA;
        at = writeShortFloat(into, at, number);
        out.length = this.#end(row, cells, into, at);
      }
      this.#tally.scored += run.to - run.from;
    } else this.#writeAny(out, run, cells);
  }

  #writeClasses(out: Growing, { from, to, at: first }: AnswerRun, answers: ClassAnswers, cells: Cells): void {
    const { probabilities, classes } = this.#form;
    for (let row = from; row < to; row++) {
      const answer = row - from + first;
      const into = out.reserve(this.#room + cells.room(row));
      let at = cells.writeCsv(row, 0, into, out.length);
      const score = answers.read(answer);
      into[at++] = COMMA;
      if (answers.probable) at = writeShortFloat(into, at, score);
      into[at++] = COMMA;
      at = append(into, at, this.#classes[answers.place] as Buffer);
      for (let place = 0; probabilities && place < classes.length; place++) {
        into[at++] = COMMA;
        if (answers.probable) at = writeShortFloat(into, at, answers.probability(answer, place));
      }
      out.length = this.#end(row, cells, into, at);
    }
    answers.count();
    this.#tally.scored += to - from;
  }

  #writeAny(out: Growing, { from, to, at: first, said }: AnswerRun, cells: Cells): void {
    for (let row = from; row < to; row++) {
      const values = anyAnswer(said, row - from + first, this.#form, this.#tally);
      const text = values.map(value => `,${csvCell(value === null ? '' : String(value))}`).join('');
      const into = out.reserve(this.#room + 3 * text.length + cells.room(row));
      const at = cells.writeCsv(row, 0, into, out.length);
      out.length = this.#end(row, cells, into, at + into.write(text, at, 'utf8'));
    }
    this.#tally.scored += to - from;
  }

  finish(): Buffer {
    return this.#out.written;
  }

  #end(row: number, cells: Cells, into: Buffer, start: number): number {
    let at = append(into, start, this.#tail);
    at = cells.writeKept(row, into, at);
    into[at++] = LF;
    return at;
  }
}
