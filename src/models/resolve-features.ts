import type { Feature } from '../core/model.ts';
import type { Signature, TensorSpec } from '../core/tensor.ts';
import type { TextInput } from '../core/tokenizer.ts';
import { MAX_FEATURES, type RawFeature } from './card.ts';

/**
 * The features of a model, in the order in which an instance's array gives them: the card's, each bound to an input, or what the
 * signature says where the card names none. Texts that a tokenizer takes come first, unless the card names them.
 * @throws Error where card and signature do not fit.
 */
export function resolveFeatures(
  raw: readonly RawFeature[] | undefined,
  signature: Signature,
  file: string,
  text?: TextInput,
): readonly Feature[] {
  if (text === undefined) return resolvePlain(raw, signature, file);
  const inputs = signature.inputs.filter(({ name }) => ![text.ids, text.mask, text.types].includes(name));
  const others = raw?.filter(({ name }) => !text.features.includes(name));
  const rest = resolvePlain(others, { ...signature, inputs }, file);
  const texts = text.features.map(name =>
    textFeature(
      name,
      raw?.find(feature => feature.name === name),
      signature,
      text,
    ),
  );
  const named = new Map([...texts, ...rest].map(feature => [feature.name, feature]));
  if (named.size < texts.length + rest.length)
    throw new Error(`${file}: tokenizer: a feature of the name ${text.features.join(' or ')} is there already`);
  const missing = texts.filter(({ name }) => !raw?.some(feature => feature.name === name));
  return [...missing, ...(raw?.map(({ name }) => named.get(name) as Feature) ?? rest)];
}

/** A text that becomes ids: rows of other lengths are padded where the model tells padding by a mask. */
function textFeature(
  name: string,
  raw: RawFeature | undefined,
  { inputs }: Signature,
  { ids, mask, tokenizer }: TextInput,
): Feature {
  const fill = raw?.missing?.fill;
  const open = inputs.find(input => input.name === ids)?.dims[1] == null;
  return {
    ...plain(name, 'string', ids),
    fill: fill === undefined ? undefined : String(fill),
    ...(open && mask !== undefined && { pad: { value: tokenizer.padId, mask } }),
  };
}

function resolvePlain(raw: readonly RawFeature[] | undefined, signature: Signature, file: string): readonly Feature[] {
  if (!raw) return signature.inputs.flatMap(input => featuresOf(input));
  const inputs = raw.map(feature => inputOf(feature, signature, file));
  const uses = new Map<TensorSpec, number>();
  for (const input of inputs) uses.set(input, (uses.get(input) ?? 0) + 1);
  const features = raw.map((feature, i) => bind(feature, inputs[i]!, uses.get(inputs[i]!) === 1, signature, file));
  for (const input of signature.inputs) if (!isMadeMask(input.name, features)) checkWidth(input, features, raw, file);
  const names = new Set<string>();
  for (const { name } of features) {
    if (names.has(name)) throw new Error(`${file}: features: ${name} stands there twice`);
    names.add(name);
  }
  return features;
}

/** A scalar, [N,1] and [N]: one feature by the input's name; [N,k]: k features by number, unless there are too many; everything else: one tensor. */
function featuresOf(input: TensorSpec): Feature[] {
  const type = input.type === 'string' ? 'string' : 'number';
  const width = widthOf(input);
  if (width === 1 && input.dims.length <= 2) return [plain(input.name, type, input.name)];
  if (width !== undefined && width <= MAX_FEATURES && input.dims.length === 2) {
    return Array.from({ length: width }, (_, column) => plain(`${input.name}_${column}`, type, input.name));
  }
  return [plain(input.name, 'tensor', input.name)];
}

/** @param alone no other feature feeds that input */
function bind(raw: RawFeature, input: TensorSpec, alone: boolean, signature: Signature, file: string): Feature {
  const wantsText = input.type === 'string';
  const type = raw.type ?? defaultType(raw, input, alone);
  const expected = (what: string, came: string) =>
    new Error(`${file}: feature ${raw.name}: expected ${what}, came ${came}`);
  if (raw.encode && !raw.categories) throw expected('categories beside encode', 'none');
  if (type === 'string' && !wantsText && !raw.encode) {
    throw expected(`"encode" (input ${input.name} takes ${input.type})`, 'type "string" without it');
  }
  if (raw.encode && wantsText) throw expected(`no "encode" (input ${input.name} takes texts)`, `"${raw.encode}"`);
  if (type === 'number' && wantsText) throw expected(`type "string" (input ${input.name} takes texts)`, '"number"');
  const fill = raw.missing?.fill;
  if (fill !== undefined && type !== 'tensor' && typeof fill !== type) {
    throw expected(`a ${type} to fill with`, JSON.stringify(fill));
  }
  return {
    name: raw.name,
    type,
    input: input.name,
    fill,
    categories: raw.categories,
    unknown: raw.unknown ?? 'error',
    encode: raw.encode,
    scale: raw.scale && { mean: raw.scale.mean, std: raw.scale.std },
    range: raw.range && [raw.range[0], raw.range[1]],
    ...paddingOf(raw, input, type, signature, file),
  };
}

/** A mask that no request gives. */
export function isMadeMask(input: string, features: readonly Feature[]): boolean {
  return features.some(({ pad }) => pad?.mask === input) && !features.some(feature => feature.input === input);
}

/** What pads a feature. @throws Error where its input has one size, takes other values, or the mask is none of the model's inputs. */
function paddingOf(
  { name, pad }: RawFeature,
  input: TensorSpec,
  type: Feature['type'],
  signature: Signature,
  file: string,
) {
  if (pad === undefined) return {};
  const expected = (what: string, came: string) =>
    new Error(`${file}: feature ${name}: pad: expected ${what}, came ${came}`);
  if (type !== 'tensor' || widthOf(input) !== undefined)
    throw expected('an array of open length', `input ${input.name}`);
  if ((typeof pad.value === 'string') !== (input.type === 'string')) {
    throw expected(`a value for ${input.type}`, JSON.stringify(pad.value));
  }
  if (pad.mask !== undefined && !signature.inputs.some(other => other.name === pad.mask)) {
    throw expected('a mask among the inputs of the model', pad.mask);
  }
  return { pad: { value: pad.value, mask: pad.mask } };
}

function inputOf(raw: RawFeature, signature: Signature, file: string): TensorSpec {
  const { inputs } = signature;
  const wanted = raw.input ?? (inputs.length === 1 ? inputs[0]!.name : raw.name);
  const input = inputs.find(({ name }) => name === wanted);
  if (input) return input;
  const names = inputs.map(({ name }) => name).join(', ');
  throw new Error(`${file}: feature ${raw.name}: expected one of the model's inputs (${names}), came ${wanted}`);
}

function defaultType(raw: RawFeature, input: TensorSpec, alone: boolean): Feature['type'] {
  if (raw.categories || raw.encode) return 'string';
  // The only feature of an input that takes several values an instance is that array.
  if (alone && widthOf(input) !== 1) return 'tensor';
  return input.type === 'string' ? 'string' : 'number';
}

function checkWidth(input: TensorSpec, features: readonly Feature[], raw: readonly RawFeature[], file: string): void {
  const mine = features.filter(feature => feature.input === input.name);
  const shape = `[${input.dims.map(dimension => dimension ?? '?').join(',')}]`;
  if (mine.length === 0) throw new Error(`${file}: features: expected one for input ${input.name} ${shape}, came none`);
  if (mine.some(({ type }) => type === 'tensor')) {
    if (mine.length === 1) return;
    throw new Error(
      `${file}: input ${input.name} ${shape}: expected one feature of type "tensor" or single values, came both`,
    );
  }
  const columns = mine.reduce((sum, feature) => sum + columnsOf(feature), 0);
  const width = widthOf(input);
  if (width !== undefined && columns !== width) {
    throw new Error(
      `${file}: features: expected ${width} columns for input ${input.name} ${shape}, came ${columns} (of ${raw.length} features)`,
    );
  }
  if (width === undefined && input.dims.length > 2) {
    throw new Error(
      `${file}: features: expected one of type "tensor" for input ${input.name} ${shape}, came ${columns} single ones`,
    );
  }
}

/** Columns that a feature fills. */
function columnsOf(feature: Feature): number {
  return feature.encode === 'onehot' ? feature.categories!.length : 1;
}

/** Values of one instance in an input; undefined where a dimension is dynamic. */
function widthOf(input: TensorSpec): number | undefined {
  let width = 1;
  for (const dimension of input.dims.slice(1)) {
    if (dimension === null) return undefined;
    width *= dimension;
  }
  return width;
}

function plain(name: string, type: Feature['type'], input: string): Feature {
  return {
    name,
    type,
    input,
    fill: undefined,
    categories: undefined,
    unknown: 'error',
    encode: undefined,
    scale: undefined,
    range: undefined,
  };
}
