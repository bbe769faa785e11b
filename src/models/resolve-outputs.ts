import type { OutputRoles } from '../core/model.ts';
import type { ClassLabel } from '../core/prediction.ts';
import type { Signature, TensorSpec } from '../core/tensor.ts';
import type { RawCard } from './card.ts';

type Classes = readonly ClassLabel[];

/**
 * Which output is the label, which the probabilities, which a regressor's value. What the card says holds; the rest is told from
 * names, types and shapes, cautiously: an output that could be anything is left as the raw prediction or an extra output.
 * @throws Error where the card names an output that is not there, or classes that do not fit.
 */
export function resolveOutputs(
  raw: RawCard['outputs'],
  fileClasses: Classes | undefined,
  signature: Signature,
  file: string,
  mask?: string,
): OutputRoles {
  const { outputs } = signature;
  const pooling = poolingOf(raw, signature, file, mask);
  const named = (role: 'label' | 'probabilities' | 'value'): string | undefined => {
    const name = raw?.[role];
    if (name === undefined || outputs.some(output => output.name === name)) return name;
    if (signature.opaqueOutputs.includes(name)) return undefined; // a ZipMap that could not be undone: label only
    const names = outputs.map(output => output.name).join(', ');
    throw new Error(`${file}: outputs.${role}: expected one of the model's outputs (${names}), came ${name}`);
  };
  const given = { label: named('label'), probabilities: named('probabilities'), value: named('value') };
  if (pooling !== undefined) given.value = pooling.output;
  const said =
    given.value !== undefined ||
    raw?.label !== undefined ||
    raw?.probabilities !== undefined ||
    raw?.value !== undefined;
  const { label, probabilities, value } = said ? given : guessRoles(outputs, fileClasses !== undefined, raw);
  const width = outputs.find(output => output.name === probabilities)?.dims[1] ?? undefined;
  const labelType = outputs.find(output => output.name === label)?.type;
  const flags = labelType === 'bool' && (width === undefined || width <= 2) ? [false, true] : undefined;
  const classes = raw?.classes ?? fittingClasses(fileClasses, width) ?? flags;
  if (raw?.classes && typeof width === 'number' && width > 1 && width !== raw.classes.length) {
    throw new Error(
      `${file}: outputs.classes: expected ${width} (columns of ${probabilities}), came ${raw.classes.length}`,
    );
  }
  const twice = raw?.classes?.find((label, i, all) => all.findIndex(other => String(other) === String(label)) !== i);
  if (twice !== undefined) {
    // Probabilities are told by class: of two of one name, one would be lost.
    throw new Error(
      `${file}: outputs.classes: expected different labels, came ${JSON.stringify(twice)} more than once`,
    );
  }
  if (raw?.threshold !== undefined && classes && classes.length !== 2) {
    throw new Error(`${file}: outputs.threshold: expected two classes, came ${classes.length}`);
  }
  const roles = new Set([label, probabilities, value]);
  const rest = outputs.map(({ name }) => name).filter(name => !roles.has(name));
  // Without any role the only output is the prediction itself, not an extra.
  const extra = (label ?? probabilities ?? value) ? rest : rest.length === 1 ? [] : rest;
  return {
    label,
    probabilities,
    value,
    classes,
    namedClasses: raw?.classes !== undefined,
    multilabel: false, // what comes out tells
    pairs: undefined,
    scores: undefined,
    shownAs: Object.fromEntries(outputs.map(({ name }) => shownName(name, outputs)).filter(pair => pair !== undefined)),
    firstClass: labelType === 'uint32' && ML_NET.test(label ?? '') ? 1 : 0, // ML.NET's keys: 0 is a missing one
    activation: raw?.activation,
    threshold: raw?.threshold,
    pooling,
    extra,
  };
}

/** What exports of Transformers and of Sentence Transformers call the states of tokens. */
const STATES = ['last_hidden_state', 'token_embeddings'];

/** @param mask of the text's tokens; where no text is: the input of the usual name */
function poolingOf(
  raw: RawCard['outputs'],
  { inputs, outputs }: Signature,
  file: string,
  mask = inputs.find(({ name }) => name === 'attention_mask')?.name,
): OutputRoles['pooling'] {
  if (raw?.pooling === undefined) {
    if (raw?.normalize)
      throw new Error(`${file}: outputs.normalize: expected "pooling" (mean, cls) beside it, came none`);
    return undefined;
  }
  const states = outputs.filter(({ type, dims }) => FLOATS.has(type) && dims.length === 3);
  const output = raw.value ?? (states.find(({ name }) => STATES.includes(name)) ?? onlyOf(states))?.name;
  const names = outputs.map(({ name, dims }) => `${name} of ${dims.length} dimensions`).join(', ');
  if (output === undefined || !states.some(({ name }) => name === output))
    throw new Error(
      `${file}: outputs.pooling: expected an output [N, tokens, size], which outputs.value names; came ${names}`,
    );
  if (raw.pooling === 'mean' && mask === undefined && inputs.some(({ dims }) => dims.length === 2 && dims[1] !== null))
    throw new Error(`${file}: outputs.pooling: expected an input attention_mask beside "mean", since texts are padded`);
  return { output, by: raw.pooling, normalize: raw.normalize ?? false, mask };
}

const ML_NET = /^(PredictedLabel|Score|Probability)(\.output|\d+)$/;

/** ML.NET's columns by the names they have in its pipelines. */
function shownName(name: string, outputs: readonly TensorSpec[]): [string, string] | undefined {
  const [, column] = ML_NET.exec(name) ?? [];
  return column === undefined || outputs.some(output => output.name === column) ? undefined : [name, column];
}

function fittingClasses(classes: Classes | undefined, width: number | undefined): Classes | undefined {
  return classes && (width === undefined || width === classes.length || (width === 1 && classes.length === 2))
    ? classes
    : undefined;
}

interface Roles {
  label: string | undefined;
  probabilities: string | undefined;
  value: string | undefined;
}

const FLOATS = new Set(['float32', 'float64', 'float16']);
const LABEL_NAME = /label|class(?!ifi)|predict/i;
const PROBABILITY_NAME = /prob|softmax|sigmoid|score/i;
const VALUE_NAME = /^variable$|value|regress|predict|target|^y/i;

function guessRoles(outputs: readonly TensorSpec[], hasClasses: boolean, raw: RawCard['outputs']): Roles {
  const roles: Roles = { label: undefined, probabilities: undefined, value: undefined };
  const floats = outputs.filter(output => FLOATS.has(output.type));
  const discrete = outputs.filter(output => output.type === 'string' || /^u?int/.test(output.type));
  const labels = discrete.filter(isColumn);
  const flags = outputs.filter(({ type, dims }) => (type === 'bool' || /^u?int/.test(type)) && dims.length <= 2);
  const column = labels.find(({ name }) => LABEL_NAME.test(name)) ?? onlyOf(labels);
  const known = outputs.find(({ name, type }) => type === 'bool' && /^PredictedLabel\b/.test(name));
  roles.label = (known ?? column ?? flags.find(({ name }) => LABEL_NAME.test(name)))?.name;
  const turns = raw?.activation === 'softmax' || raw?.activation === 'sigmoid';
  const matrices = floats.filter(output => output.dims.length === 2 && output.dims[1] !== 1);
  roles.probabilities =
    // ML.NET's, of true.
    (
      floats.find(({ name }) => known !== undefined && /^Probability\b/.test(name)) ??
      matrices.find(({ name }) => PROBABILITY_NAME.test(name)) ??
      // Beside a label of a classifier the only matrix is its probabilities.
      (roles.label && hasClasses && matrices.length === 1 ? matrices[0] : undefined) ??
      // What the card names the classes of, or turns into probabilities.
      (turns || raw?.classes ? onlyOf(matrices) : undefined) ??
      (turns ? onlyOf(floats.filter(({ dims }) => dims.length <= 2)) : undefined)
    )?.name;
  if (roles.label || roles.probabilities) return roles;
  const candidates = floats.filter(output => output.dims.length <= 2);
  roles.value = (
    candidates.find(({ name }) => VALUE_NAME.test(name)) ??
    (candidates.length === 1 && isColumn(candidates[0]!) ? candidates[0] : undefined)
  )?.name;
  return roles;
}

function onlyOf<T>(list: readonly T[]): T | undefined {
  return list.length === 1 ? list[0] : undefined;
}

/** One value an instance: [N] or [N,1]. */
function isColumn(output: TensorSpec): boolean {
  return output.dims.length <= 1 || (output.dims.length === 2 && output.dims[1] === 1);
}
