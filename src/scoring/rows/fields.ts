import type { Card, Feature } from '../../core/model.ts';
import type { Signature, TensorData, TensorSpec } from '../../core/tensor.ts';
import { nameOfShape, nameOfType } from '../../core/words.ts';
import { type Block, DenseBlock, RaggedBlock, ScalarBlock } from './blocks.ts';
import { cellFor, widthOf } from './cells.ts';
import { dataFor, FLOAT32_LIMIT, mismatch, type Subject, storeFor, toNumber, toText } from './elements.ts';
import type { Field, InputPlan } from './input-plan.ts';
import { countOf, flatten, rowDims, shapeOf, type Tail } from './shapes.ts';
import { planText } from './tokens.ts';

/** How a model's inputs are filled by the features of its card. @throws TypeError where the two do not fit together. */
export function planInputs(
  { features, batching, text }: Card,
  { inputs }: Signature,
  model: string,
  pads = false,
): readonly InputPlan[] {
  const alone = features.length === 1;
  const texts = text && planText(text, inputs, features, model, pads);
  return inputs.map(spec => {
    const planned = texts?.get(spec.name);
    if (planned !== undefined) return planned;
    const mine = features.filter(feature => feature.input === spec.name);
    const [first] = mine;
    const masked = features.find(({ pad }) => pad?.mask === spec.name);
    if (first === undefined && masked !== undefined) return planMask(spec, masked.input, pads);
    if (first === undefined) throw new TypeError(`no feature fills input ${spec.name}`);
    if (first.type !== 'tensor') return planColumns(spec, mine, model);
    if (mine.length > 1) throw new TypeError(`input ${spec.name} takes one tensor, the card names several features`);
    const padding = pads ? (first.pad?.value ?? (masked && 0)) : undefined;
    return planTensor(spec, first, { model, alone, padding, maxLength: batching.maxLength });
  });
}

/** A mask that no request gives: 1 for every value that one gives of another input. */
function planMask(spec: TensorSpec, of: string, pads: boolean): InputPlan {
  const block = (): Block => new RaggedBlock(spec, pads ? 0 : undefined);
  return { spec, tail: spec.dims.slice(1), fields: [], plainLimit: undefined, maskOf: of, block };
}

interface TensorUse {
  readonly model: string;
  /** No other feature is beside it. */
  readonly alone: boolean;
  readonly padding: number | string | undefined;
  /** Of its open dimensions. */
  readonly maxLength: number;
}

function planTensor(spec: TensorSpec, feature: Feature, { model, alone, padding, maxLength }: TensorUse): InputPlan {
  const tail = spec.dims.slice(1);
  const fixed = countOf(tail) === undefined ? undefined : (tail as readonly number[]);
  const subject = { what: alone ? 'features' : `feature ${feature.name}`, model };
  const element = elementWriter(spec, { what: `a value of ${subject.what}`, model });
  const write = (value: unknown, block: Block, row: number): void => {
    const dims = shapeOf(value);
    const shape = rowDims(dims, tail);
    if (shape !== undefined) checkLengths(shape, tail, maxLength, subject);
    const flat = shape && flatten(value, dims);
    if (shape === undefined || flat === undefined) throw misshapen(value, dims, tail, subject);
    const dense = block instanceof DenseBlock;
    const data = dense ? block.data : dataFor(spec.type, flat.length);
    const start = dense ? row * block.width : 0;
    for (let i = 0; i < flat.length; i++) element(flat[i], data, start + i);
    if (!dense) (block as RaggedBlock).rows[row] = { dims: shape, data };
  };
  const block = (rows: number): Block => (fixed ? new DenseBlock(spec, fixed, rows) : new RaggedBlock(spec, padding));
  return { spec, tail, fields: [{ name: feature.name, tail, write }], plainLimit: undefined, block };
}

function elementWriter(spec: TensorSpec, subject: Subject): (value: unknown, data: TensorData, at: number) => void {
  if (spec.type === 'string') {
    return (value, data, at) => {
      (data as string[])[at] = toText(value, subject);
    };
  }
  const store = storeFor(spec.type);
  return (value, data, at) => store(data, at, toNumber(value, subject), subject);
}

/** A model's memory may grow with the square of what its open dimensions are given. */
function checkLengths(shape: readonly number[], tail: Tail, maxLength: number, subject: Subject): void {
  const length = shape.find((size, axis) => tail[axis] === null && size > maxLength);
  if (length === undefined) return;
  throw mismatch(subject, `has a length of ${length}`, `at most ${maxLength} (batching.max_length of its card)`);
}

function misshapen(value: unknown, dims: readonly number[], tail: Tail, subject: Subject): Error {
  const count = countOf(tail);
  if (value === undefined || value === null) return mismatch(subject, 'is missing', 'a value for it');
  if (dims.length === 0) return mismatch(subject, `is ${nameOfType(value)}`, `a list of shape ${nameOfShape(tail)}`);
  if (dims.length === 1 && count !== undefined) return mismatch(subject, `has ${dims[0]} values`, String(count));
  return mismatch(subject, `has the shape ${nameOfShape(dims)} or is uneven`, nameOfShape(tail));
}

function planColumns(spec: TensorSpec, features: readonly Feature[], model: string): InputPlan {
  const columns = features.reduce((sum, feature) => sum + widthOf(feature), 0);
  const tail = spec.dims.slice(1);
  const declared = countOf(tail);
  if (declared !== undefined && declared !== columns) {
    throw new TypeError(`input ${spec.name} has ${declared} columns, the card's features fill ${columns}`);
  }
  const fixed = declared === undefined ? [columns] : (tail as readonly number[]);
  let column = 0;
  const fields = features.map((feature): Field => {
    const cell = cellFor(feature, spec.type, { what: `feature ${feature.name}`, model });
    const offset = column;
    column += widthOf(feature);
    const write = (value: unknown, block: Block, row: number): void => {
      const { data, width } = block as DenseBlock;
      cell(Array.isArray(value) && value.length === 1 ? value[0] : value, data, row * width + offset);
    };
    return { name: feature.name, tail: [], write };
  });
  const scalar = spec.dims.length === 0;
  const block = (rows: number): Block => (scalar ? new ScalarBlock(spec, rows) : new DenseBlock(spec, fixed, rows));
  const plain = features.every(isPlain) && !['string', 'bool', 'float16'].includes(spec.type);
  return { spec, tail: fixed, fields, plain, plainLimit: plain ? limitOf(spec) : undefined, block };
}

function isPlain(feature: Feature): boolean {
  return feature.type === 'number' && feature.scale === undefined && feature.range === undefined && !feature.encode;
}

function limitOf(spec: TensorSpec): number | undefined {
  if (spec.type === 'float32') return FLOAT32_LIMIT;
  return spec.type === 'float64' ? Number.POSITIVE_INFINITY : undefined;
}
