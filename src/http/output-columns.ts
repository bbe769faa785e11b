import type { Answered } from '../core/outcome.ts';
import type { AnswerRun, Said } from '../core/table-scorer.ts';
import type { OutputPlan } from './output-plan.ts';
import { type OutputTensor, shapeOfOne } from './output-tensors.ts';

/** A request's outputs straight from what the slices said, no prediction in between; undefined where that is not in columns. */
export function columnTensors(plans: readonly OutputPlan[], ending: Answered): readonly OutputTensor[] | undefined {
  const { rows } = ending;
  if (plans.some(({ column, axis, whole }) => column === undefined || axis !== undefined || whole !== undefined))
    return undefined;
  const { runs } = ending;
  if (runs === undefined) return undefined;
  const tensors: OutputTensor[] = [];
  for (const plan of plans) {
    const tensor = READERS[plan.column as keyof typeof READERS](plan, runs, rows);
    if (tensor === undefined) return undefined;
    tensors.push(tensor);
  }
  return tensors;
}

type Reader = (plan: OutputPlan, runs: readonly AnswerRun[], rows: number) => OutputTensor | undefined;

const READERS: Readonly<Record<NonNullable<OutputPlan['column']>, Reader>> = {
  class: classesOf,
  probabilities: probabilitiesOf,
  number: numbersOf,
};

function classesOf({ name, datatype, shape }: OutputPlan, runs: readonly AnswerRun[], rows: number) {
  const whole = datatype === 'INT64' ? new BigInt64Array(rows) : undefined;
  const texts = whole === undefined ? new Array<unknown>(rows) : [];
  // A BigInt each costs 50 ns; the classes of columns have 32 bits.
  const words = whole && new Int32Array(whole.buffer);
  for (const { from, to, at, said } of runs) {
    if (!isOfClasses(said, at, to - from)) return undefined;
    const { classes, places } = said;
    for (let row = from; row < to; row++) {
      const label = classes[places[row - from + at] as number];
      if (words === undefined) texts[row] = label;
      else {
        words[2 * row] = label as number;
        words[2 * row + 1] = (label as number) >> 31;
      }
    }
  }
  return { name, datatype, shape: shapeOfOne(shape, rows), data: whole ?? texts };
}

function probabilitiesOf({ name, datatype }: OutputPlan, runs: readonly AnswerRun[], rows: number) {
  const parts: Float32Array[] = [];
  let width = 0;
  for (const { from, to, at, said } of runs) {
    if (!isOfClasses(said, at, to - from)) return undefined;
    width = said.classes.length;
    parts.push(said.probabilities.subarray(at * width, (at + to - from) * width));
  }
  return { name, datatype, shape: [rows, width], data: joined(parts, rows * width) };
}

function numbersOf({ name, datatype, shape }: OutputPlan, runs: readonly AnswerRun[], rows: number) {
  const parts: Float32Array[] = [];
  for (const { from, to, at, said } of runs) {
    if (said.kind !== 'numbers') return undefined;
    parts.push(said.numbers.subarray(at, at + to - from));
  }
  return { name, datatype, shape: shapeOfOne(shape, rows), data: joined(parts, rows) };
}

/** Whether these answers have probabilities, all of them. */
function isOfClasses(said: Said, at: number, rows: number): said is Extract<Said, { kind: 'classes' }> {
  if (said.kind !== 'classes') return false;
  const { classes, places } = said;
  for (let answer = at; answer < at + rows; answer++) if ((places[answer] as number) >= classes.length) return false;
  return true;
}

function joined(parts: readonly Float32Array[], length: number): Float32Array {
  if (parts.length === 1) return parts[0] as Float32Array;
  const all = new Float32Array(length);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
