import type { Feature, ModelVersion } from '../../core/model.ts';
import { TimeFormat } from '../../core/times.ts';
import { type AnswerReader, classesReader, valueReader } from '../answers/quick-answers.ts';
import { sliceRows } from '../infer/slices.ts';

/** How a version's outputs are written as results without predictions in between: those of classifiers and regressors. */
export interface AnswerPlan {
  readonly version: ModelVersion;
  readonly read: AnswerReader;
  /** For times of enqueueing and of scoring; batch after batch mostly has the same second. */
  readonly times: { readonly enqueued: TimeFormat; readonly scored: TimeFormat };
  /** By prefix of result ids, which is a partition's: making them anew takes 1 µs a batch. */
  readonly wordings: Map<string, Wording>;
}

/** What the results of one partition share. */
export interface Wording {
  readonly prefix: Buffer;
  /** By digits of the sequence number, then by head of an answer: from behind the request's id through that head. */
  readonly middles: Buffer[][];
}

/** What the fast road needs to know of a model version besides; it takes plain numbers alone. */
export interface FastPlan extends AnswerPlan {
  readonly input: string;
  /** Features of an instance. */
  readonly width: number;
  /** Rows of a slice, at most. */
  readonly sliceRows: number;
}

/** Undefined where the version asks for more than the fast road does: texts, fills, scales, several inputs, further outputs. */
export const fastPlanOf = once(compile);

/** Undefined where there are further outputs, a threshold, or outputs of other types. */
export const answerPlanOf = once((version): AnswerPlan | undefined => {
  const read = readerOf(version);
  return (
    read && { version, read, times: { enqueued: new TimeFormat(), scored: new TimeFormat() }, wordings: new Map() }
  );
});

/** Versions never change, so each is looked at once. */
function once<T extends object>(
  work: (version: ModelVersion) => T | undefined,
): (version: ModelVersion) => T | undefined {
  const known = new WeakMap<ModelVersion, T | false>();
  return version => {
    let plan = known.get(version);
    if (plan === undefined) {
      plan = work(version) ?? false;
      known.set(version, plan);
    }
    return plan || undefined;
  };
}

function compile(version: ModelVersion): FastPlan | undefined {
  const { signature, card } = version;
  const [input] = signature.inputs;
  const answers = answerPlanOf(version);
  if (input === undefined || signature.inputs.length !== 1) return undefined;
  if (input.type !== 'float32' || input.dims.length !== 2 || input.dims[0] !== null) return undefined;
  const width = card.features.length;
  if (input.dims[1] !== width || !card.features.every(isPlainNumber) || answers === undefined) return undefined;
  return { ...answers, input: input.name, width, sliceRows: sliceRows(version).rows };
}

function isPlainNumber({ type, encode, scale, range }: Feature): boolean {
  return type === 'number' && encode === undefined && scale === undefined && range === undefined;
}

function readerOf({ name, label: version, signature, card }: ModelVersion): AnswerReader | undefined {
  const { label, probabilities, value, classes, threshold, extra } = card.outputs;
  if (extra.length > 0 || threshold !== undefined) return undefined;
  const about = `","model":${JSON.stringify(name)},"model_version":${JSON.stringify(version)},`;
  const typeOf = (name: string | undefined) => signature.outputs.find(output => output.name === name)?.type;
  if (label !== undefined && probabilities !== undefined && classes !== undefined && classes.length > 1) {
    const labels = typeOf(label);
    const whole =
      labels === 'int64' && classes.every(name => Number.isInteger(name) && Math.abs(Number(name)) < 2 ** 31);
    const texts = labels === 'string' && classes.every(name => typeof name === 'string');
    if ((!whole && !texts) || typeOf(probabilities) !== 'float32') return undefined;
    return classesReader(about, label, probabilities, classes);
  }
  if (label !== undefined || probabilities !== undefined || value === undefined) return undefined;
  return typeOf(value) === 'float32' ? valueReader(about, value) : undefined;
}
