import { withByLabel } from '../../core/by-label.ts';
import type { ModelVersion } from '../../core/model.ts';
import type { Prediction } from '../../core/prediction.ts';
import type { Tensors } from '../../core/tensor.ts';
import { type AnswerColumns, GeneralAnswers } from './answer-columns.ts';
import { Interpreter } from './interpret.ts';
import { classesReader, doubleReader, type QuickReader, valueReader, wholeReader } from './quick-answers.ts';

/**
 * Reads a slice's outputs. @param size rows that ran, @param rows of them that are wanted: a fixed batch may have been filled up.
 * @throws RequestError inference_failed where an output is absent, does not have a row for each instance, or holds what is no number.
 */
export type AnswerReader = (outputs: Tensors, rows: number, size: number) => AnswerColumns;

export function answerReaderOf(version: ModelVersion, write: (prediction: Prediction) => string): AnswerReader {
  const interpreter = new Interpreter(version);
  const quick = quickReaderOf(version);
  const { pairs, probabilities = '' } = version.card.outputs;
  return (given, rows, size) => {
    const outputs = pairs === undefined ? given : withByLabel(given, probabilities, size, pairs);
    const slice = { from: 0, to: rows, size, outputs };
    const prediction = (row: number) => interpreter.predict(slice, row);
    const columns = quick?.(outputs, size, prediction);
    if (columns !== undefined) return columns;
    interpreter.check(slice);
    return new GeneralAnswers(prediction, write);
  };
}

/** Undefined where there are further outputs, a threshold, an activation, several labels a row, or outputs of other types. */
function quickReaderOf({ signature, card }: ModelVersion): QuickReader | undefined {
  const { label, probabilities, scores, value, classes, threshold, activation, multilabel, extra } = card.outputs;
  const turned = threshold !== undefined || (activation !== undefined && activation !== 'none');
  if (extra.length > 0 || turned || multilabel) return undefined;
  const typeOf = (name: string | undefined) => signature.outputs.find(output => output.name === name)?.type;
  if (label !== undefined && probabilities !== undefined && classes !== undefined && classes.length > 1) {
    const labels = typeOf(label);
    const whole =
      labels === 'int64' && classes.every(name => Number.isInteger(name) && Math.abs(Number(name)) < 2 ** 31);
    const texts = labels === 'string' && classes.every(name => typeof name === 'string');
    if ((!whole && !texts) || typeOf(probabilities) !== 'float32') return undefined;
    return classesReader(label, probabilities, classes);
  }
  if (probabilities !== undefined || scores !== undefined) return undefined;
  if (label !== undefined) return classes === undefined && typeOf(label) === 'int64' ? wholeReader(label) : undefined;
  if (value === undefined) return undefined;
  if (typeOf(value) === 'float64') return doubleReader(value);
  return typeOf(value) === 'float32' ? valueReader(value) : undefined;
}
