import { DATATYPES } from '../core/datatypes.ts';
import type { ModelVersion } from '../core/model.ts';
import type { ClassLabel, Prediction } from '../core/prediction.ts';
import type { TensorSpec } from '../core/tensor.ts';

/** One output tensor of a model version, and where its rows stand in a prediction. */
export interface OutputPlan {
  readonly name: string;
  readonly datatype: string;
  /** As declared: `-1` is dynamic, the batch comes first where there is one. */
  readonly shape: readonly number[];
  /** Where the batch stands, if not first; `shape` has it there. */
  readonly axis?: number;
  /** A row is the whole tensor: the model has no batch, or this output of it has none. */
  readonly whole?: 'always' | 'alone';
  /** Which column of a slice's answers holds it, where they are in columns. */
  readonly column?: 'class' | 'probabilities' | 'number';
  /** One row; undefined where a prediction has none (a card's default). */
  read(prediction: Prediction): unknown;
}

/** The label of a classifier that has no label output of its own. */
const LABEL = 'label';

/**
 * A version's outputs as the protocol's clients know them: by the model's own names. A label shows the card's class, so it is text
 * where the card's classes are; every value passed scoring, so threshold, fill and scaling have been applied.
 */
export function planOutputs({ card, signature, backend }: ModelVersion): readonly OutputPlan[] {
  const { label, probabilities, value, scores, extra, multilabel, pairs, shownAs } = card.outputs;
  const { classes } = card.outputs;
  const spec = (name: string) => signature.outputs.find(output => output.name === name);
  const plans: OutputPlan[] = [];
  if (label !== undefined) plans.push(planLabel(label, spec(label), multilabel ? undefined : classes));
  else if (scores !== undefined) plans.push(planLabel(LABEL, undefined, classes));
  if (probabilities !== undefined) {
    if (label === undefined) plans.push(planLabel(LABEL, undefined, classes));
    const declared = spec(probabilities);
    const shown = pairs && declared ? { ...declared, dims: [null, null] } : declared; // one a label, not a pair
    plans.push(planProbabilities(probabilities, shown, classes));
  }
  const main = value ?? (plans.length === 0 ? rawOutput(signature.outputs, extra) : undefined);
  if (main !== undefined) {
    const plan = planTensor(main, spec(main), ({ prediction }) => prediction);
    plans.push(value === undefined ? plan : { ...plan, column: 'number' });
  }
  const further = extra.filter(name => !plans.some(plan => plan.name === name));
  const all = [
    ...plans,
    ...further.map(name => planTensor(name, spec(name), ({ outputs }) => outputs?.[shownAs[name] ?? name])),
  ];
  return all.map(plan => {
    const { rowless = false, axis } = spec(plan.name) ?? {};
    if (axis !== undefined) return { ...plan, shape: plan.shape.slice(1).toSpliced(axis, 0, -1), axis };
    if (!signature.unbatched && !rowless) return plan;
    // Rows that ran together have one such output; rows that ran one by one have one each.
    const whole = signature.unbatched || backend.info.maxBatchSize > 1 ? 'always' : 'alone';
    return { ...plan, shape: plan.shape.slice(1), whole };
  });
}

/** What scoring takes as prediction where the card gives no output a role. */
function rawOutput(outputs: readonly TensorSpec[], extra: readonly string[]): string | undefined {
  return (outputs.find(({ name }) => !extra.includes(name)) ?? outputs[0])?.name;
}

function planLabel(name: string, spec: TensorSpec | undefined, classes: readonly ClassLabel[] | undefined): OutputPlan {
  // Integers beyond 2^53 are digits here, and a number again on the wire.
  const whole = spec !== undefined && /int/.test(spec.type);
  const texts = classes?.some(label => typeof label === 'string' && !(whole && /^-?\d+$/.test(label))) ?? false;
  const datatype = texts ? 'BYTES' : DATATYPES[spec?.type ?? 'int64'];
  return { name, datatype, shape: shapeOf(spec, [-1]), column: 'class', read: ({ prediction }) => prediction };
}

function planProbabilities(
  name: string,
  spec: TensorSpec | undefined,
  classes: readonly ClassLabel[] | undefined,
): OutputPlan {
  // A model with one column gives the positive class of two; the prediction shows both.
  const positiveOnly = spec?.dims.length === 2 && spec.dims[1] === 1;
  const read: OutputPlan['read'] = ({ probabilities }) => {
    if (probabilities === undefined) return undefined;
    const columns = Array.isArray(probabilities)
      ? (probabilities as readonly number[])
      : (classes ?? []).map(label => (probabilities as Readonly<Record<string, number>>)[String(label)]);
    return positiveOnly ? columns.slice(-1) : columns;
  };
  const plan = planTensor(name, spec, read);
  return positiveOnly ? plan : { ...plan, column: 'probabilities' };
}

function planTensor(name: string, spec: TensorSpec | undefined, read: OutputPlan['read']): OutputPlan {
  return { name, datatype: DATATYPES[spec?.type ?? 'float32'], shape: shapeOf(spec, [-1, -1]), read };
}

function shapeOf(spec: TensorSpec | undefined, otherwise: readonly number[]): readonly number[] {
  return spec ? declaredShape(spec) : otherwise;
}

/** `-1` for what is dynamic, and for the batch whatever the file says: it is padded where it is fixed. */
export function declaredShape({ dims }: TensorSpec): readonly number[] {
  return dims.map((size, axis) => (axis === 0 ? -1 : (size ?? -1)));
}
