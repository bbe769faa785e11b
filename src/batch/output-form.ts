import type { ModelVersion } from '../core/model.ts';
import type { ClassLabel } from '../core/prediction.ts';
import type { BatchOptions } from './range.ts';

/** What the output's columns of a version are, whatever its rows say. */
export interface OutputForm {
  /** `classes`: score and class; `numbers`: a column a target; `any`: JSON. */
  readonly kind: 'classes' | 'numbers' | 'any';
  /** Of `numbers`: how many targets. */
  readonly targets: number;
  /** Of `classes`: in the order of the probabilities; empty where they are not known. */
  readonly classes: readonly ClassLabel[];
  /** Probability columns were asked for. */
  readonly probabilities: boolean;
  /** Further outputs stand as JSON in a column of their own. */
  readonly extra: boolean;
  /** The columns between the id and `timestamp`. */
  readonly answer: readonly string[];
  /** All of them but the input's. */
  readonly own: readonly string[];
}

export function outputFormOf(
  { card, signature }: ModelVersion,
  { idColumn, includeProbabilities }: Pick<BatchOptions, 'idColumn' | 'includeProbabilities'>,
): OutputForm {
  const { label, probabilities, value, scores, classes = [], multilabel, extra } = card.outputs;
  const outputs = signature.outputs.length;
  const isClass = !multilabel && (label ?? probabilities ?? scores) !== undefined;
  const dims = signature.outputs.find(({ name }) => name === value)?.dims;
  const targets = isClass || value === undefined ? undefined : targetsOf(dims);
  const kind = isClass ? 'classes' : targets === undefined ? 'any' : 'numbers';
  const hasExtra = extra.length > 0 && outputs > 1;
  const asked = includeProbabilities && kind === 'classes';
  const answer = [
    ...(kind === 'classes' ? ['prediction_score', 'prediction_class'] : []),
    ...(kind === 'any' || targets === 1 ? ['prediction'] : []),
    ...(targets !== undefined && targets > 1 ? Array.from({ length: targets }, (_, i) => `prediction_${i}`) : []),
    ...(asked ? classes.map(name => `probability_${name}`) : []),
    ...(hasExtra ? ['outputs'] : []),
  ];
  const own = [...(idColumn === undefined ? ['row'] : []), ...answer, 'timestamp', 'model_version'];
  return { kind, targets: targets ?? 0, classes, probabilities: asked, extra: hasExtra, answer, own };
}

/** Undefined where the model leaves it open. */
function targetsOf(dims: readonly (number | null)[] | undefined): number | undefined {
  if (dims === undefined || dims.length > 2) return undefined;
  return dims.length < 2 ? 1 : (dims[1] ?? undefined);
}
