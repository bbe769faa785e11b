import type { Prediction } from '../../core/prediction.ts';
import type { Said } from '../../core/table-scorer.ts';

/** What a model said of the rows of a slice, checked; written as the members of a result's JSON, or given as predictions. */
export interface AnswerColumns {
  /** How an answer can begin. The same list for every slice of a version, so that whoever writes many can copy it with what stands before. */
  readonly heads: readonly Buffer[];
  /** Which of `heads` a row's answer begins with. */
  headOf(row: number): number;
  /** No less than a row's answer takes, its head included, bytes. */
  room(row: number): number;
  /** The same for every row, where that is known without looking at them. */
  readonly maxRoom: number | undefined;
  /** Writes the answer behind its head; returns its end. */
  writeRest(row: number, into: Buffer, at: number): number;
  prediction(row: number): Prediction;
  /** The same in columns, for those who write tables. */
  readonly said: Said;
}

const NO_HEAD: readonly Buffer[] = [Buffer.alloc(0)];
/** Bytes of a UTF-16 unit in UTF-8, at most. */
const BYTES_A_UNIT = 3;

/** Answers of any form: each is made when it is asked for. */
export class GeneralAnswers implements AnswerColumns {
  readonly heads = NO_HEAD;
  readonly maxRoom = undefined;
  readonly prediction: (row: number) => Prediction;
  readonly said: Said;
  readonly #write: (prediction: Prediction) => string;
  /** By row, from when its room was asked for until it is written. */
  readonly #texts: (string | undefined)[] = [];

  constructor(prediction: (row: number) => Prediction, write: (prediction: Prediction) => string) {
    this.prediction = prediction;
    this.said = { kind: 'any', prediction };
    this.#write = write;
  }

  headOf(): number {
    return 0;
  }

  room(row: number): number {
    return this.#textOf(row).length * BYTES_A_UNIT;
  }

  writeRest(row: number, into: Buffer, at: number): number {
    const end = at + into.write(this.#textOf(row), at, 'utf8');
    this.#texts[row] = undefined;
    return end;
  }

  #textOf(row: number): string {
    let text = this.#texts[row];
    if (text === undefined) {
      text = this.#write(this.prediction(row));
      this.#texts[row] = text;
    }
    return text;
  }
}

/** Copies bytes to `at`; returns where they end. */
export function append(into: Buffer, at: number, bytes: Uint8Array): number {
  // A native copy costs 20 to 30 ns however short it is.
  if (bytes.length > 24) into.set(bytes, at);
  else for (let i = 0; i < bytes.length; i++) into[at + i] = bytes[i] as number;
  return at + bytes.length;
}
