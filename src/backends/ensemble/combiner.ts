import type { EnsembleCard } from '../../core/ensemble-card.ts';
import { Misfit } from '../../core/misfit.ts';
import type { ModelVersion } from '../../core/model.ts';
import type { ClassLabel } from '../../core/prediction.ts';
import type { Tensor, TensorSpec, Tensors, TensorType } from '../../core/tensor.ts';
import { firstConfident, mean, type Verdict, vote } from './combine.ts';
import { meanOf, numbersOf } from './numbers.ts';
import { type OpinionReader, opinionReader } from './opinions.ts';

/** What one member that is there says of a slice. */
export interface Answer {
  /** `churn 1.0.0+a1b2c3d4` */
  readonly member: string;
  readonly version: ModelVersion;
  readonly outputs: Tensors;
}

/** How what members say becomes one answer. */
export interface Combiner {
  readonly outputs: readonly TensorSpec[];
  /** Roles of those outputs, as a card names them. */
  readonly roles: Readonly<Record<string, string>>;
  readonly classes: readonly ClassLabel[] | undefined;
  /** @throws Misfit where another member cannot be put together with those. */
  check(version: ModelVersion): void;
  /** @throws Error where a member says what cannot be put together */
  combine(answers: readonly Answer[], rows: number): Tensors;
}

/** The output that names who answered, where that is not always all of them. */
export const ANSWERED_BY = 'answered_by';
const DEFAULT_CONFIDENCE = 0.8;

/** @param lead whose kind, classes and widths the others have to have. @throws Misfit */
export function combinerFor(ensemble: EnsembleCard, lead: ModelVersion): Combiner {
  return isClassifier(lead) ? classCombiner(ensemble, lead) : numberCombiner(ensemble, lead);
}

function isClassifier({ card: { outputs } }: ModelVersion): boolean {
  return (outputs.label ?? outputs.probabilities ?? outputs.scores) !== undefined;
}

const KINDS = { classes: 'a classifier', value: 'a regressor', raw: 'a model without classes or value' };

function kindOf(version: ModelVersion): string {
  return isClassifier(version) ? KINDS.classes : version.card.outputs.value !== undefined ? KINDS.value : KINDS.raw;
}

function checkKind(lead: ModelVersion, version: ModelVersion): void {
  const [expected, came] = [kindOf(lead), kindOf(version)];
  if (expected !== came) throw new Misfit(`expected ${expected}, as the first is, came ${came}`);
}

function numberCombiner({ combine, on_missing }: EnsembleCard, lead: ModelVersion): Combiner {
  if (combine !== 'mean') throw new Misfit(`combine: "${combine}" is for classifiers, it is ${kindOf(lead)}`);
  const numbers = numbersOf(lead);
  const named = on_missing === 'ignore';
  const { value } = lead.card.outputs;
  return {
    outputs: [...numbers, ...(named ? [byWhom] : [])],
    roles: value === undefined ? {} : { value },
    classes: undefined,
    check(version) {
      checkKind(lead, version);
      numbersOf(version, numbers);
    },
    combine: (answers, rows) => ({ ...meanOf(answers, numbers), ...(named && { [ANSWERED_BY]: all(answers, rows) }) }),
  };
}

function classCombiner(ensemble: EnsembleCard, lead: ModelVersion): Combiner {
  const { combine, threshold = DEFAULT_CONFIDENCE, on_missing } = ensemble;
  const classes = lead.card.outputs.classes;
  const width = classes?.length ?? widthOf(lead);
  const readers = new Map<ModelVersion, OpinionReader>();
  const put = { mean, vote, first_confident: firstConfident(threshold) }[combine];
  const named = on_missing === 'ignore' || combine === 'first_confident';
  const labels = classes === undefined ? 'int64' : typeOfClasses(classes);

  function check(version: ModelVersion): void {
    const { outputs } = version.card;
    checkKind(lead, version);
    if (outputs.multilabel) throw new Misfit('it says several labels of an instance, which no ensemble does');
    if (combine !== 'vote' && outputs.probabilities === undefined)
      throw new Misfit(`combine: "${combine}" needs probabilities, it gives none`);
    checkClasses(classes, outputs.classes);
    const own = outputs.classes?.length ?? widthOf(version);
    if (own !== width) throw new Misfit(`expected ${width} classes, came ${own}`);
    if (classes === undefined && outputs.label !== undefined)
      throw new Misfit("its classes are not known; name them in its card's outputs.classes");
  }

  function opinion({ member, version, outputs }: Answer, rows: number) {
    let read = readers.get(version);
    if (read === undefined) {
      read = opinionReader(version.card, classes, width);
      readers.set(version, read);
    }
    try {
      return read(outputs, rows);
    } catch (thrown) {
      throw new Error(`${member}: ${thrown instanceof Error ? thrown.message : String(thrown)}`, { cause: thrown });
    }
  }

  return {
    classes,
    outputs: [
      { name: LABEL, type: labels, dims: [null] },
      { name: PROBABILITIES, type: 'float32', dims: [null, width] },
      ...(named ? [byWhom] : []),
    ],
    roles: { label: LABEL, probabilities: PROBABILITIES },
    check,
    combine(answers, rows) {
      const verdict = put(
        answers.map(answer => opinion(answer, rows)),
        rows,
        width,
      );
      const { by } = verdict;
      const names = by === undefined ? all(answers, rows) : each(rows, row => answers[by[row] as number]?.member ?? '');
      return { ...tensorsOf(verdict, rows, width, classes, labels), ...(named && { [ANSWERED_BY]: names }) };
    },
  };
}

const [LABEL, PROBABILITIES] = ['label', 'probabilities'];
const byWhom: TensorSpec = { name: ANSWERED_BY, type: 'string', dims: [null] };

/** @throws Misfit where neither the card nor the file says how many classes there are */
function widthOf({ card, signature }: ModelVersion): number {
  const name = card.outputs.probabilities ?? card.outputs.scores;
  const width = signature.outputs.find(output => output.name === name)?.dims[1];
  if (typeof width !== 'number') throw new Misfit("its classes are not known; name them in its card's outputs.classes");
  return width === 1 ? 2 : width;
}

function checkClasses(expected: readonly ClassLabel[] | undefined, came: readonly ClassLabel[] | undefined): void {
  const [one, other] = [expected, came].map(classes => classes && [...classes].map(String).sort());
  if (JSON.stringify(one) === JSON.stringify(other)) return;
  const words = (classes: readonly ClassLabel[] | undefined) =>
    classes?.slice(0, 8).join(', ') ?? 'none that are named';
  throw new Misfit(`expected classes ${words(expected)}, came ${words(came)}`);
}

function typeOfClasses(classes: readonly ClassLabel[]): TensorType {
  if (classes.every(name => Number.isSafeInteger(name))) return 'int64';
  return classes.every(name => typeof name === 'boolean') ? 'bool' : 'string';
}

function tensorsOf(
  { labels, probabilities }: Verdict,
  rows: number,
  width: number,
  classes: readonly ClassLabel[] | undefined,
  type: TensorType,
): Tensors {
  const named = (row: number) => classes?.[labels[row] as number] ?? (labels[row] as number);
  const data = type === 'int64' ? BigInt64Array.from({ length: rows }, (_, row) => BigInt(named(row))) : undefined;
  const flags = type === 'bool' ? Uint8Array.from({ length: rows }, (_, row) => Number(named(row))) : undefined;
  return {
    [LABEL as string]: {
      type,
      dims: [rows],
      data: data ?? flags ?? Array.from({ length: rows }, (_, row) => String(named(row))),
    },
    [PROBABILITIES as string]: { type: 'float32', dims: [rows, width], data: Float32Array.from(probabilities) },
  };
}

function all(answers: readonly Answer[], rows: number): Tensor {
  const names = answers.map(({ member }) => member).join(', ');
  return each(rows, () => names);
}

function each(rows: number, name: (row: number) => string): Tensor {
  return { type: 'string', dims: [rows], data: Array.from({ length: rows }, (_, row) => name(row)) };
}
