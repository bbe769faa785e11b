import { encodeField, encodeNumber } from '../../src/backends/onnx/protobuf.ts';

// Writes small ONNX files, so that tests need no Python. Field numbers: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto

const TYPES = {
  float32: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  string: 8,
  bool: 9,
  float16: 10,
  float64: 11,
  uint32: 12,
  uint64: 13,
  int4: 22,
} as const;
export type OnnxType = keyof typeof TYPES;
export type Attribute =
  | number
  | string
  | { readonly float: number }
  | readonly number[]
  | readonly string[]
  | { readonly floats: readonly number[] }
  | { readonly graph: Uint8Array }
  | Uint8Array;

/** `null` is a dynamic dimension, which is called N; one that has another name is given as that, '' as one that has none. */
export function value(name: string, type: OnnxType, dims: readonly (number | string | null)[]): Uint8Array {
  const shape = dims.map(dimension =>
    encodeField(1, typeof dimension === 'number' ? encodeNumber(1, dimension) : nameOf(dimension)),
  );
  const tensor = encodeField(1, Buffer.concat([encodeNumber(1, TYPES[type]), encodeField(2, Buffer.concat(shape))]));
  return Buffer.concat([encodeField(1, name), encodeField(2, tensor)]);
}

const nameOf = (dimension: string | null) => (dimension === '' ? '' : encodeField(2, dimension ?? 'N'));

/** An output that is a sequence of maps from int64 to float32: what a ZipMap gives. */
export function mapsValue(name: string): Uint8Array {
  const float = encodeField(1, encodeNumber(1, TYPES.float32));
  const map = encodeField(5, Buffer.concat([encodeNumber(1, TYPES.int64), encodeField(2, float)]));
  return Buffer.concat([encodeField(1, name), encodeField(2, encodeField(4, encodeField(1, map)))]);
}

/** int64 tensor of numbers that only a bigint holds. */
export function bigTensor(name: string, ...data: readonly bigint[]): Uint8Array {
  const raw = Buffer.from(BigInt64Array.from(data).buffer);
  return Buffer.concat([encodeNumber(1, data.length), encodeNumber(2, 7), encodeField(8, name), encodeField(9, raw)]);
}

/** float32 or int64 tensor. */
export function tensor(name: string, dims: readonly number[], data: Float32Array | readonly number[]): Uint8Array {
  const floats = data instanceof Float32Array;
  const raw = floats
    ? Buffer.from(data.buffer, data.byteOffset, data.byteLength)
    : Buffer.from(BigInt64Array.from(data, BigInt).buffer);
  return Buffer.concat([
    ...dims.map(d => encodeNumber(1, d)),
    encodeNumber(2, floats ? 1 : 7),
    encodeField(8, name),
    encodeField(9, raw),
  ]);
}

export function node(
  op: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes: Record<string, Attribute> = {},
  domain = '',
): Uint8Array {
  return Buffer.concat([
    ...inputs.map(name => encodeField(1, name)),
    ...outputs.map(name => encodeField(2, name)),
    encodeField(4, op),
    ...Object.entries(attributes).map(([name, given]) => encodeField(5, attribute(name, given))),
    encodeField(7, domain),
  ]);
}

function attribute(name: string, given: Attribute): Uint8Array {
  const of = (type: number, ...fields: Uint8Array[]) =>
    Buffer.concat([encodeField(1, name), ...fields, encodeNumber(20, type)]);
  if (given instanceof Uint8Array) return of(4, encodeField(5, given));
  if (typeof given === 'number') return of(2, encodeNumber(3, given));
  if (typeof given === 'string') return of(3, encodeField(4, given));
  if ('float' in given) return of(1, floatField(2, given.float));
  if ('graph' in given) return of(5, encodeField(6, given.graph));
  if ('floats' in given) return of(6, ...given.floats.map(number => floatField(7, number)));
  return typeof given[0] === 'string'
    ? of(8, ...given.map(text => encodeField(9, text as string)))
    : of(7, ...given.map(number => encodeNumber(8, number as number)));
}

function floatField(number: number, content: number): Uint8Array {
  const bytes = Buffer.alloc(5);
  bytes[0] = number * 8 + 5;
  bytes.writeFloatLE(content, 1);
  return bytes;
}

export interface ModelParts {
  readonly nodes: readonly Uint8Array[];
  readonly inputs: readonly Uint8Array[];
  readonly outputs: readonly Uint8Array[];
  readonly initializers?: readonly Uint8Array[];
  readonly opset?: number;
  readonly domains?: Record<string, number>;
}

/** What stands in a model, or in an attribute: the body of a Loop. */
export function graph({ nodes, inputs, outputs, initializers = [] }: ModelParts): Buffer {
  return Buffer.concat([
    ...nodes.map(bytes => encodeField(1, bytes)),
    encodeField(2, 'test'),
    ...initializers.map(bytes => encodeField(5, bytes)),
    ...inputs.map(bytes => encodeField(11, bytes)),
    ...outputs.map(bytes => encodeField(12, bytes)),
  ]);
}

export function model({ opset = 17, domains = { 'ai.onnx.ml': 1 }, ...parts }: ModelParts): Buffer {
  const imports = Object.entries({ '': opset, ...domains }).map(([domain, version]) =>
    encodeField(8, Buffer.concat([encodeField(1, domain), encodeNumber(2, version)])),
  );
  return Buffer.concat([encodeNumber(1, 8), encodeField(2, 'hand-made'), encodeField(7, graph(parts)), ...imports]);
}

/** y = x · weights + bias for [N, weights.length]. */
export function regressor(weights: readonly number[], bias = 0): Buffer {
  return model({
    nodes: [node('MatMul', ['x', 'w'], ['xw']), node('Add', ['xw', 'b'], ['variable'])],
    inputs: [value('x', 'float32', [null, weights.length])],
    outputs: [value('variable', 'float32', [null, 1])],
    initializers: [
      tensor('w', [weights.length, 1], Float32Array.from(weights)),
      tensor('b', [1], Float32Array.of(bias)),
    ],
  });
}

/** Two features, classes 10 and 20, as scikit-learn's logistic regression is exported; with a ZipMap unless told otherwise. */
export function classifier({
  zipMap = true,
  classes = [10, 20] as readonly number[] | readonly string[],
} = {}): Buffer {
  const texts = typeof classes[0] === 'string';
  const labels: Record<string, Attribute> = texts ? { classlabels_strings: classes } : { classlabels_ints: classes };
  const linear = node(
    'LinearClassifier',
    ['features'],
    ['label', zipMap ? 'raw' : 'probabilities'],
    {
      ...labels,
      coefficients: { floats: [-1, -2, 1, 2] },
      intercepts: { floats: [-0.5, 0.5] },
      multi_class: 0,
      post_transform: 'LOGISTIC',
    },
    'ai.onnx.ml',
  );
  const zip = node(
    'ZipMap',
    ['raw'],
    ['probabilities'],
    texts ? { classlabels_strings: classes } : { classlabels_int64s: classes },
    'ai.onnx.ml',
  );
  return model({
    nodes: zipMap ? [linear, zip] : [linear],
    inputs: [value('features', 'float32', [null, 2])],
    outputs: [
      value('label', texts ? 'string' : 'int64', [null]),
      zipMap ? mapsValue('probabilities') : value('probabilities', 'float32', [null, 2]),
    ],
  });
}

/** A tiny file whose every run multiplies matrices of `size`² for `rounds` rounds, however few its instances. */
export function heavy({ size = 1024, rounds = 2, features = 4 } = {}): Buffer {
  const nodes = [
    node('ConstantOfShape', ['shape'], ['c'], { value: tensor('', [1], Float32Array.of(1 / size)) }),
    node('ReduceMean', ['x'], ['all'], { axes: [0, 1], keepdims: 1 }),
    node('Add', ['c', 'all'], ['m0']),
  ];
  for (let round = 0; round < rounds; round++) nodes.push(node('MatMul', [`m${round}`, 'c'], [`m${round + 1}`]));
  nodes.push(
    node('ReduceMean', [`m${rounds}`], ['mean'], { axes: [0, 1], keepdims: 1 }),
    node('ReduceMean', ['x'], ['rows'], { axes: [1], keepdims: 1 }),
    node('Add', ['rows', 'mean'], ['variable']),
  );
  return model({
    nodes,
    inputs: [value('x', 'float32', [null, features])],
    outputs: [value('variable', 'float32', [null, 1])],
    initializers: [tensor('shape', [2], [size, size])],
  });
}

/** A network of three dense layers; with 64 features and 1500 hidden units it is 9 MiB, and takes 25 µs a row in batches, 140 alone. */
export function network({ features = 64, hidden = 1500 } = {}): Buffer {
  const weights = (rows: number, columns: number) =>
    Float32Array.from({ length: rows * columns }, (_, i) => Math.sin(i) / Math.sqrt(rows));
  return model({
    nodes: [
      node('MatMul', ['x', 'w1'], ['a1']),
      node('Relu', ['a1'], ['h1']),
      node('MatMul', ['h1', 'w2'], ['a2']),
      node('Relu', ['a2'], ['h2']),
      node('MatMul', ['h2', 'w3'], ['variable']),
    ],
    inputs: [value('x', 'float32', [null, features])],
    outputs: [value('variable', 'float32', [null, 1])],
    initializers: [
      tensor('w1', [features, hidden], weights(features, hidden)),
      tensor('w2', [hidden, hidden], weights(hidden, hidden)),
      tensor('w3', [hidden, 1], weights(hidden, 1)),
    ],
  });
}

/** A regressor of two features with `bytes` of weights that do nothing: something to download. */
export function large(bytes: number): Buffer {
  const padding = Float32Array.from({ length: bytes / 4 }, (_, i) => Math.sin(i));
  return model({
    nodes: [
      node('MatMul', ['x', 'w'], ['xw']),
      node('ReduceMax', ['padding'], ['most'], { keepdims: 0 }),
      node('Add', ['xw', 'most'], ['variable']),
    ],
    inputs: [value('x', 'float32', [null, 2])],
    outputs: [value('variable', 'float32', [null, 1])],
    initializers: [tensor('w', [2, 1], Float32Array.of(1, 1)), tensor('padding', [padding.length], padding)],
  });
}

/** y = 2x for [N,1], after as many rounds of a loop as the largest x says. */
export function looping(): Buffer {
  const body = graph({
    nodes: [node('Identity', ['go'], ['go on']), node('Add', ['sum', 'one'], ['more'])],
    inputs: [value('round', 'int64', []), value('go', 'bool', []), value('sum', 'float32', [])],
    outputs: [value('go on', 'bool', []), value('more', 'float32', [])],
  });
  return model({
    nodes: [
      node('ReduceMax', ['x'], ['most'], { keepdims: 0 }),
      node('Cast', ['most'], ['rounds'], { to: 7 }),
      node('Loop', ['rounds', '', 'one'], ['end'], { body: { graph: body } }),
      node('Mul', ['end', 'zero'], ['nothing']),
      node('Add', ['x', 'x'], ['twice']),
      node('Add', ['twice', 'nothing'], ['y']),
    ],
    inputs: [value('x', 'float32', [null, 1])],
    outputs: [value('y', 'float32', [null, 1])],
    initializers: [tensor('one', [], Float32Array.of(1)), tensor('zero', [], Float32Array.of(0))],
  });
}

/** y = 2x for [N,1], with as many floats beside it as the largest x says. */
export function eating(): Buffer {
  return model({
    nodes: [
      node('ReduceMax', ['x'], ['most'], { keepdims: 0 }),
      node('Abs', ['most'], ['size']),
      node('Cast', ['size'], ['count'], { to: 7 }),
      node('Unsqueeze', ['count', 'first'], ['shape']),
      node('ConstantOfShape', ['shape'], ['zeros']),
      node('ReduceSum', ['zeros', 'first'], ['nothing'], { keepdims: 0 }),
      node('Add', ['x', 'x'], ['twice']),
      node('Add', ['twice', 'nothing'], ['y']),
    ],
    inputs: [value('x', 'float32', [null, 1])],
    outputs: [value('y', 'float32', [null, 1])],
    initializers: [tensor('first', [1], [0])],
  });
}

/** y = -2^63 / x for [N,1] of int64: the processor has no result for -1 and ends the process (SIGFPE). */
export function crashing(): Buffer {
  return model({
    nodes: [node('Div', ['lowest', 'x'], ['y'])],
    inputs: [value('x', 'int64', [null, 1])],
    outputs: [value('y', 'int64', [null, 1])],
    initializers: [tensor('lowest', [1], [-(2 ** 63)])],
  });
}

/** A file that ends the process that runs it: ONNX Runtime for Node cannot hand on int4. */
export function int4Output(): Buffer {
  return model({
    nodes: [node('Cast', ['x'], ['y'], { to: 22 })],
    inputs: [value('x', 'float32', [null, 1])],
    outputs: [value('y', 'int4', [null, 1])],
    opset: 21,
  });
}

/** Files that must be refused, and a word of the reason. */
export const BAD: Readonly<Record<string, { readonly file: Buffer; readonly says: RegExp }>> = {
  'no model': { file: Buffer.from('this is a text, not a model\n'.repeat(5)), says: /not an ONNX file/ },
  empty: { file: Buffer.alloc(0), says: /empty/ },
  truncated: { file: classifier().subarray(0, 200), says: /not an ONNX file, or a damaged one/ },
  'unsupported opset': {
    file: model({
      nodes: [node('Identity', ['x'], ['y'])],
      inputs: [value('x', 'float32', [null, 1])],
      outputs: [value('y', 'float32', [null, 1])],
      opset: 99,
    }),
    says: /opset 99 of ai\.onnx; opsets up to \d+ are supported/,
  },
  'custom operator': {
    file: model({
      nodes: [node('FancyScore', ['x'], ['y'], {}, 'com.example.ops')],
      inputs: [value('x', 'float32', [null, 1])],
      outputs: [value('y', 'float32', [null, 1])],
      domains: { 'com.example.ops': 1 },
    }),
    says: /operator FancyScore of domain com\.example\.ops/,
  },
  'fails at its first run': {
    file: model({
      nodes: [node('Reshape', ['x', 'shape'], ['y'])],
      inputs: [value('x', 'float32', [null, 4])],
      outputs: [value('y', 'float32', [null, 3])],
      initializers: [tensor('shape', [2], [2, 3])],
    }),
    says: /fails at its first run: .*Reshape/,
  },
};

/** Ends the process that opens it, by SIGFPE: the smallest int64 divided by -1, of constants, which are worked out as it is opened. */
export function killer(): Buffer {
  return model({
    nodes: [node('Div', ['least', 'minus'], ['y'])],
    inputs: [value('x', 'float32', [null, 2])],
    outputs: [value('y', 'int64', [1])],
    initializers: [bigTensor('least', -(2n ** 63n)), bigTensor('minus', -1n)],
    domains: {},
  });
}

/** Its first run never ends. */
export function hanger(): Buffer {
  const body = graph({
    nodes: [node('Identity', ['on'], ['still']), node('Abs', ['last'], ['next'])],
    inputs: [value('i', 'int64', []), value('on', 'bool', []), value('last', 'float32', [null, 2])],
    outputs: [value('still', 'bool', []), value('next', 'float32', [null, 2])],
  });
  return model({
    nodes: [node('Loop', ['most', '', 'x'], ['y'], { body: { graph: body } })],
    inputs: [value('x', 'float32', [null, 2])],
    outputs: [value('y', 'float32', [null, 2])],
    initializers: [bigTensor('most', 2n ** 63n - 1n)],
    domains: {},
  });
}

/** A small file that takes that much memory as soon as it is opened or run. */
export function eater(bytes: number): Buffer {
  return model({
    nodes: [
      node('ConstantOfShape', ['shape'], ['c'], { value: tensor('', [1], Float32Array.of(1)) }),
      node('ReduceMean', ['c'], ['one'], { keepdims: 0 }),
      node('Mul', ['x', 'one'], ['y']),
    ],
    inputs: [value('x', 'float32', [null, 2])],
    outputs: [value('y', 'float32', [null, 2])],
    initializers: [tensor('shape', [1], [bytes / 4])],
    domains: {},
  });
}
