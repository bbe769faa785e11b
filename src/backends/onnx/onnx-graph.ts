import { fieldsOf, type ProtobufField, packedVarints } from './protobuf.ts';

/** One operator of a graph. */
export interface OnnxNode {
  readonly op: string;
  readonly inputs: readonly string[];
  /** What the graphs in its attributes (the branches of an If, the body of a Loop) may take from around them. */
  readonly captured: readonly string[];
  readonly outputs: readonly string[];
  /** AttributeProto by name, not decoded. */
  readonly attributes: ReadonlyMap<string, Uint8Array>;
  /** Where it stands in the graph's bytes. */
  readonly field: ProtobufField;
}

/** What we read of an ONNX file. Field numbers: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto */
export interface OnnxGraph {
  readonly producer: string;
  /** Opset versions by domain; the default domain is `ai.onnx`. */
  readonly opsets: ReadonlyMap<string, number>;
  readonly nodes: readonly OnnxNode[];
  /** TensorProto by name, not decoded. */
  readonly initializers: ReadonlyMap<string, Uint8Array>;
  /** Names of the graph's inputs and where each stands in its bytes; of those that an initializer fills too. */
  readonly inputs: ReadonlyMap<string, ProtobufField>;
  /** Names of the graph's outputs and where each stands in its bytes. */
  readonly outputs: ReadonlyMap<string, ProtobufField>;
  /** The model's own operators. */
  readonly functions: readonly { readonly inputs: readonly string[]; readonly nodes: readonly OnnxNode[] }[];
  readonly bytes: Uint8Array;
}

const MODEL = { producerName: 2, producerVersion: 3, graph: 7, opset: 8, function: 25 };
const FUNCTION = { input: 4, node: 7 };
const GRAPH = { node: 1, initializer: 5, input: 11, output: 12 };
/** Attributes that hold a graph. */
const SUBGRAPHS = new Set(['then_branch', 'else_branch', 'body']);

/** @throws RangeError where the bytes are no ONNX model. */
export function readGraph(file: Uint8Array): OnnxGraph {
  const producer: string[] = [];
  const opsets = new Map<string, number>();
  const functions: ReturnType<typeof readFunction>[] = [];
  let bytes: Uint8Array | undefined;
  for (const field of fieldsOf(file)) {
    if (field.number === MODEL.producerName || field.number === MODEL.producerVersion) producer.push(text(field.bytes));
    if (field.number === MODEL.graph) bytes = field.bytes;
    if (field.number === MODEL.function && field.bytes) functions.push(readFunction(field.bytes));
    if (field.number === MODEL.opset && field.bytes) {
      const fields = [...fieldsOf(field.bytes)];
      const domain = text(fields.find(({ number }) => number === 1)?.bytes) || 'ai.onnx';
      opsets.set(domain, Number(fields.find(({ number }) => number === 2)?.varint ?? 0));
    }
  }
  if (!bytes) throw new RangeError('no graph');
  const nodes: OnnxNode[] = [];
  const initializers = new Map<string, Uint8Array>();
  const inputs = new Map<string, ProtobufField>();
  const outputs = new Map<string, ProtobufField>();
  for (const field of fieldsOf(bytes)) {
    if (!field.bytes) continue;
    if (field.number === GRAPH.node) nodes.push(readNode(field, field.bytes));
    if (field.number === GRAPH.initializer) initializers.set(nameIn(field.bytes, 8), field.bytes);
    if (field.number === GRAPH.input) inputs.set(nameIn(field.bytes, 1), field);
    if (field.number === GRAPH.output) outputs.set(nameIn(field.bytes, 1), field);
  }
  return {
    producer: producer.filter(Boolean).join(' '),
    opsets,
    nodes,
    initializers,
    inputs,
    outputs,
    functions,
    bytes,
  };
}

function readNode(field: ProtobufField, bytes: Uint8Array): OnnxNode {
  const inputs: string[] = [];
  const outputs: string[] = [];
  const attributes = new Map<string, Uint8Array>();
  let op = '';
  for (const part of fieldsOf(bytes)) {
    if (part.number === 1) inputs.push(text(part.bytes));
    if (part.number === 2) outputs.push(text(part.bytes));
    if (part.number === 4) op = text(part.bytes);
    if (part.number === 5 && part.bytes) attributes.set(nameIn(part.bytes, 1), part.bytes);
  }
  const captured = [...attributes].flatMap(([name, attribute]) => (SUBGRAPHS.has(name) ? namesWithin(attribute) : []));
  return { op, inputs, captured, outputs, attributes, field };
}

function readFunction(bytes: Uint8Array) {
  const inputs: string[] = [];
  const nodes: OnnxNode[] = [];
  for (const field of fieldsOf(bytes)) {
    if (field.number === FUNCTION.input) inputs.push(text(field.bytes));
    if (field.number === FUNCTION.node && field.bytes) nodes.push(readNode(field, field.bytes));
  }
  return { inputs, nodes };
}

/** The nodes of an attribute's graph; none where it holds something else. */
export function nodesWithin(attribute: Uint8Array): readonly OnnxNode[] {
  const nodes: OnnxNode[] = [];
  for (const { number, bytes } of fieldsOf(attribute)) {
    // A graph stands before anything that is long: a forest's attributes have millions of fields.
    if (number > 6 && number < 11) return nodes;
    if ((number !== 6 && number !== 11) || !bytes) continue;
    for (const field of fieldsOf(bytes)) {
      if (field.number === GRAPH.node && field.bytes) nodes.push(readNode(field, field.bytes));
    }
  }
  return nodes;
}

/** Every name that the nodes and outputs of an attribute's graph go by: more than it takes from around it, never less. */
function namesWithin(attribute: Uint8Array): string[] {
  const names: string[] = [];
  for (const { number, bytes } of fieldsOf(attribute)) {
    if (number !== 6 || !bytes) continue;
    for (const field of fieldsOf(bytes)) {
      if (!field.bytes) continue;
      if (field.number === GRAPH.output) names.push(nameIn(field.bytes, 1));
      if (field.number !== GRAPH.node) continue;
      const { inputs, captured } = readNode(field, field.bytes);
      names.push(...inputs, ...captured);
    }
  }
  return names;
}

/** Stops at the name, which writers put first: a forest's attributes have millions of fields after it. */
function nameIn(message: Uint8Array, number: number): string {
  for (const field of fieldsOf(message)) if (field.number === number) return text(field.bytes);
  return '';
}

/** The integers or texts of an attribute (AttributeProto); undefined where it has none. */
export function attributeValues(attribute: Uint8Array | undefined): (string | number)[] | undefined {
  return attribute && valuesOf(attribute, { integers: [8], texts: 9 });
}

/** The integers or texts of a tensor (TensorProto) of type int32, int64 or string. */
export function tensorValues(tensor: Uint8Array): (string | number)[] | undefined {
  let type = 0;
  let raw: Uint8Array | undefined;
  for (const field of fieldsOf(tensor)) {
    if (field.number === 2) type = Number(field.varint);
    if (field.number === 9) raw = field.bytes;
  }
  if (raw && (type === 6 || type === 7)) {
    const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
    const size = type === 6 ? 4 : 8;
    return Array.from({ length: Math.floor(raw.byteLength / size) }, (_, i) =>
      type === 6 ? view.getInt32(i * size, true) : wholeOf(view.getBigInt64(i * size, true)),
    );
  }
  return type === 6 || type === 7 || type === 8 ? valuesOf(tensor, { integers: [5, 7], texts: 6 }) : undefined;
}

function valuesOf(
  message: Uint8Array,
  numbers: { integers: readonly number[]; texts: number },
): (string | number)[] | undefined {
  const values: (string | number)[] = [];
  for (const { number, varint, bytes } of fieldsOf(message)) {
    if (numbers.integers.includes(number)) {
      if (varint !== undefined) values.push(wholeOf(BigInt.asIntN(64, varint)));
      else for (const value of packedVarints(bytes!)) values.push(wholeOf(value));
    }
    if (number === numbers.texts) values.push(text(bytes));
  }
  return values.length > 0 ? values : undefined;
}

/** As outputs are shown: beyond 2^53 its digits, since a number would be its neighbour's. */
function wholeOf(value: bigint): number | string {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : String(value);
}

function text(bytes: Uint8Array | undefined): string {
  return bytes ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8') : '';
}
