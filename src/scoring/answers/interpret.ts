import { RequestError } from '../../core/errors.ts';
import type { ModelVersion, OutputRoles } from '../../core/model.ts';
import type { ClassLabel, Prediction } from '../../core/prediction.ts';
import { type Activation, activate, areProbabilities, withinBounds } from '../../core/probabilities.ts';
import { shortFloat } from '../../core/short-float.ts';
import type { Tensor, Tensors } from '../../core/tensor.ts';
import { elementAt, nestedRow, rowShape } from './outputs.ts';

type Probabilities = NonNullable<Prediction['probabilities']>;

/** What the model said of rows `from` to `to`, in `size` rows: a fixed batch may have been filled up. */
export interface SliceOutputs {
  readonly from: number;
  readonly to: number;
  readonly size: number;
  readonly outputs: Tensors;
}

/** Reads a model version's outputs as predictions; worked out once a version. */
export class Interpreter {
  readonly #model: string;
  readonly #roles: OutputRoles;
  /** The output that is the prediction where the card gives no output that role. */
  readonly #raw: string | undefined;
  readonly #extra: readonly string[];
  /** One class a row: its probabilities sum to one. */
  readonly #exclusive: boolean;
  readonly #classes: readonly ClassLabel[] | undefined;

  constructor({ name, version, card, signature }: ModelVersion) {
    const { outputs } = card;
    this.#model = `${name} ${version}`;
    this.#roles = outputs;
    this.#classes = outputs.classes;
    this.#exclusive = !outputs.multilabel && outputs.activation !== 'sigmoid';
    const names = signature.outputs.map(output => output.name);
    const { label, probabilities, value, scores } = outputs;
    const hasRole = (label ?? probabilities ?? value ?? scores) !== undefined;
    this.#raw = hasRole ? undefined : (names.find(output => !outputs.extra.includes(output)) ?? names[0]);
    this.#extra = outputs.extra.filter(output => output !== this.#raw);
  }

  /**
   * Holds a slice's outputs against its rows.
   * @throws RequestError inference_failed where an output is absent, does not have a row for each instance, or holds what is no number (JSON could not say it).
   */
  check(slice: SliceOutputs): void {
    const { label, probabilities, value } = this.#roles;
    for (const name of [label, probabilities, value, this.#raw, ...this.#extra]) {
      if (name === undefined) continue;
      const tensor = slice.outputs[name];
      if (tensor === undefined) throw this.#failed(`gave no output ${name}`);
      const shape = rowShape(tensor, slice.size);
      if (shape === undefined)
        throw this.#failed(`gave output ${name} of shape [${tensor.dims.join(',')}] for ${slice.size} instances`);
      checkFinite(tensor, (tensor.data.length / slice.size) * (slice.to - slice.from), () =>
        this.#failed(`gave a value in output ${name} that is not a finite number`),
      );
    }
  }

  /** The prediction of row `row` of a slice that `check` has passed. */
  predict({ outputs, size }: SliceOutputs, row: number): Prediction {
    const { label, probabilities, value, scores } = this.#roles;
    const extra = this.#extra.length > 0 ? this.#outputs(outputs, row, size) : undefined;
    if (probabilities !== undefined) {
      return this.#classified(outputs[probabilities] as Tensor, label && outputs[label], row, size, extra);
    }
    if (label === undefined && scores !== undefined) {
      return { prediction: this.#largest(outputs[scores] as Tensor, row, size), outputs: extra };
    }
    const name = label ?? value ?? this.#raw;
    const tensor = outputs[name as string] as Tensor;
    const shape = rowShape(tensor, size) as readonly number[];
    const given = nestedRow(tensor, row, name === this.#raw ? shape : unwrap(shape));
    const prediction = name === label ? this.#className(given) : given;
    return extra === undefined ? { prediction } : { prediction, outputs: extra };
  }

  #classified(
    tensor: Tensor,
    label: Tensor | undefined | '',
    row: number,
    size: number,
    extra: Prediction['outputs'],
  ): Prediction {
    const { threshold, activation, multilabel } = this.#roles;
    const columns = readColumns(tensor, row, size, activation);
    const classes = this.#classes?.length === columns.length ? this.#classes : undefined;
    const probable = areProbabilities(columns, this.#exclusive);
    let best: number;
    let prediction: unknown;
    if (label && multilabel) {
      best = -1;
      prediction = nestedRow(label, row, unwrap(rowShape(label, size) as readonly number[]));
    } else if (columns.length === 2 && threshold !== undefined && probable) {
      best = (columns[1] as number) >= threshold ? 1 : 0;
      prediction = classes?.[best] ?? best;
    } else if (label) {
      const shape = rowShape(label, size) as readonly number[];
      prediction = this.#className(nestedRow(label, row, unwrap(shape)));
      best = classes === undefined ? highest(columns) : classes.indexOf(prediction as ClassLabel);
    } else {
      best = highest(columns);
      prediction = classes?.[best] ?? best;
    }
    if (!probable) return extra === undefined ? { prediction } : { prediction, outputs: extra };
    for (let i = 0; i < columns.length; i++) columns[i] = withinBounds(columns[i] as number);
    const probabilities = classes === undefined ? columns : byClass(classes, columns);
    const confidence = columns[best];
    return extra === undefined
      ? { prediction, probabilities, confidence }
      : { prediction, probabilities, confidence, outputs: extra };
  }

  /** The class of the largest score; of a single score the positive of two, where it is above 0. */
  #largest(tensor: Tensor, row: number, size: number): unknown {
    const width = tensor.data.length / size;
    const scores = Array.from({ length: width }, (_, i) => elementAt(tensor, row * width + i) as number);
    const best = width === 1 ? Number((scores[0] as number) > 0) : highest(scores);
    return this.#classes?.[best] ?? best;
  }

  #outputs(outputs: Tensors, row: number, size: number): Record<string, unknown> {
    const shown: Record<string, unknown> = {};
    for (const name of this.#extra) {
      const tensor = outputs[name] as Tensor;
      shown[this.#roles.shownAs[name] ?? name] = nestedRow(
        tensor,
        row,
        unwrap(rowShape(tensor, size) as readonly number[]),
      );
    }
    return shown;
  }

  /** A label as the card calls it: some models number the classes that their card names. */
  #className(label: unknown): unknown {
    const classes = this.#classes;
    if (classes === undefined || Array.isArray(label) || classes.includes(label as ClassLabel)) return label;
    const twin = classes.find(name => String(name) === String(label));
    if (twin !== undefined) return twin;
    const numbered = typeof label === 'number' || typeof label === 'boolean';
    return (numbered ? classes[Number(label) - this.#roles.firstClass] : undefined) ?? label;
  }

  #failed(what: string): RequestError {
    return new RequestError('inference_failed', 'interpret', `${this.#model} ${what}`);
  }
}

/** A row's probabilities by column; a single column is that of the positive class of two. */
function readColumns(tensor: Tensor, row: number, size: number, activation: Activation): number[] {
  const width = tensor.data.length / size;
  const start = row * width;
  const columns = new Array<number>(width);
  for (let i = 0; i < width; i++) columns[i] = elementAt(tensor, start + i) as number;
  const turned =
    activation === undefined || activation === 'none' ? columns : activate(columns, activation).map(shortFloat);
  const [positive] = turned;
  if (width !== 1 || positive === undefined) return turned;
  return [tensor.type === 'float32' ? shortFloat(1 - positive) : 1 - positive, positive];
}

function highest(columns: readonly number[]): number {
  let best = 0;
  for (let i = 1; i < columns.length; i++) if ((columns[i] as number) > (columns[best] as number)) best = i;
  return best;
}

function byClass(classes: readonly ClassLabel[], columns: readonly number[]): Probabilities {
  const probabilities: Record<string, number> = {};
  for (let i = 0; i < columns.length; i++) probabilities[String(classes[i])] = columns[i] as number;
  return probabilities;
}

/** A single element is shown as it is, however many dimensions of 1 the model wraps it in. */
function unwrap(shape: readonly number[]): readonly number[] {
  return shape.every(size => size === 1) ? [] : shape;
}

function checkFinite(tensor: Tensor, length: number, error: () => RequestError): void {
  if (!tensor.type.startsWith('float')) return;
  const half = tensor.type === 'float16';
  const numbers = tensor.data as Float32Array;
  for (let i = 0; i < length; i++) if (!Number.isFinite(half ? elementAt(tensor, i) : numbers[i])) throw error();
}
