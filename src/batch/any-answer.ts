import type { Prediction } from '../core/prediction.ts';
import type { Said } from '../core/table-scorer.ts';
import type { OutputForm } from './output-form.ts';
import type { ScoreTally } from './scores.ts';

/** What stands in a column of the output: JSON where the prediction is neither a number nor a class. */
export type AnswerValue = number | string | boolean | object | null;

/** An answer's values by column of the form, and counted. @param nested lists and objects stay such; else they are JSON */
export function anyAnswer(
  said: Said,
  answer: number,
  form: OutputForm,
  tally: ScoreTally,
  nested = false,
): AnswerValue[] {
  const prediction = said.prediction(answer);
  const values = valuesOf(prediction, form, tally);
  if (form.extra) values.push(prediction.outputs ?? null);
  return nested
    ? values
    : values.map(value => (typeof value === 'object' && value !== null ? JSON.stringify(value) : value));
}

function valuesOf(
  { prediction, probabilities, confidence }: Prediction,
  form: OutputForm,
  tally: ScoreTally,
): AnswerValue[] {
  if (form.kind === 'classes') {
    const list = probabilities === undefined ? [] : Object.values(probabilities as Readonly<Record<string, number>>);
    const named = form.classes.map(
      name => (probabilities as Readonly<Record<string, number>> | undefined)?.[String(name)],
    );
    const score = (list.length === 2 ? (named[1] ?? list[1]) : confidence) ?? null;
    if (score !== null) tally.addScore(score);
    const name = plain(prediction);
    tally.addClass(typeof name === 'object' ? JSON.stringify(name) : String(name));
    return [score, name, ...(form.probabilities ? named.map((value, i) => value ?? list[i] ?? null) : [])];
  }
  if (form.kind === 'any') {
    if (typeof prediction === 'number') tally.addScore(prediction);
    return [plain(prediction)];
  }
  const numbers = Array.isArray(prediction) ? prediction.flat(Number.POSITIVE_INFINITY) : [prediction];
  if (typeof numbers[0] === 'number') tally.addScore(numbers[0]);
  return Array.from({ length: form.targets }, (_, target) => plain(numbers[target]));
}

function plain(value: unknown): AnswerValue {
  if (value === null || value === undefined) return null;
  return value as AnswerValue;
}
