import { classesBehind } from './class-labels.ts';
import type { GraphEdits } from './graph-edits.ts';
import { walkOf } from './graph-walk.ts';
import type { OnnxGraph } from './onnx-graph.ts';
import { encodeField, encodeNumber, fieldsOf } from './protobuf.ts';

/**
 * What stacks the probabilities of several classifiers of false and true (scikit-learn's MultiOutputClassifier) to a tensor `[k, N, 2]` where an output
 * is a sequence of theirs: onnxruntime-node cannot fetch a sequence.
 */
export function withoutSequences(graph: OnnxGraph): GraphEdits {
  const { producers } = walkOf(graph);
  const edits = new Map<number, Uint8Array>();
  for (const { op, inputs, outputs, field } of graph.nodes) {
    const [output = ''] = outputs;
    const declared = graph.outputs.get(output);
    const type = declared?.bytes && elementType(declared.bytes);
    if (op !== 'SequenceConstruct' || declared === undefined || type === undefined) continue;
    if (!inputs.every(input => classesBehind(graph, producers, input)?.join() === '0,1')) continue;
    edits.set(field.start, stackNodes(inputs, output));
    edits.set(declared.start, pairs(output, type, inputs.length));
  }
  return edits;
}

/** ValueInfoProto > TypeProto > Sequence > TypeProto > Tensor > elem_type */
function elementType(value: Uint8Array): number | undefined {
  let message: Uint8Array | undefined = value;
  for (const number of [2, 4, 1, 1])
    message = message && [...fieldsOf(message)].find(field => field.number === number)?.bytes;
  const type = message && [...fieldsOf(message)].find(field => field.number === 1)?.varint;
  return type === undefined ? undefined : Number(type);
}

/** NodeProtos in the place of one: the sequence under another name, and what stacks it along a new first axis. */
function stackNodes(inputs: readonly string[], output: string): Uint8Array {
  const sequence = `${output} in sequence`;
  const whole = (name: string, value: number) =>
    encodeField(5, Buffer.concat([encodeField(1, name), encodeNumber(3, value), encodeNumber(20, 2)]));
  const construct = [
    ...inputs.map(input => encodeField(1, input)),
    encodeField(2, sequence),
    encodeField(4, 'SequenceConstruct'),
  ];
  const stack = [
    encodeField(1, sequence),
    encodeField(2, output),
    encodeField(4, 'ConcatFromSequence'),
    whole('axis', 0),
    whole('new_axis', 1),
  ];
  return Buffer.concat([encodeField(1, Buffer.concat(construct)), encodeField(1, Buffer.concat(stack))]);
}

/** ValueInfoProto of `[labels, N, 2]` in its place among the graph's outputs. */
function pairs(name: string, type: number, labels: number): Uint8Array {
  const dimensions = [encodeNumber(1, labels), new Uint8Array(0), encodeNumber(1, 2)].map(size => encodeField(1, size));
  const tensorType = encodeField(1, Buffer.concat([encodeNumber(1, type), encodeField(2, Buffer.concat(dimensions))]));
  return encodeField(12, Buffer.concat([encodeField(1, name), encodeField(2, tensorType)]));
}
