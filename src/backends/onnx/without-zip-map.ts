import type { GraphEdits } from './graph-edits.ts';
import type { OnnxGraph } from './onnx-graph.ts';
import { encodeField, encodeNumber } from './protobuf.ts';

/**
 * What puts an Identity in place of every ZipMap at the outputs, so that the probabilities come out as the tensor they were, under
 * the same name: onnxruntime-node cannot fetch a sequence of maps ("Non tensor type is temporarily not supported"). A file that imports
 * ai.onnx.ml alone (CatBoost's) has Identity too: the runtime takes its newest ai.onnx where none is named.
 */
export function withoutZipMap(graph: OnnxGraph): GraphEdits {
  const edits = new Map<number, Uint8Array>();
  for (const { op, inputs, outputs, field } of graph.nodes) {
    const [input] = inputs;
    const [output] = outputs;
    const declared = output === undefined ? undefined : graph.outputs.get(output);
    if (op !== 'ZipMap' || input === undefined || output === undefined || !declared) continue;
    edits.set(field.start, identityNode(input, output));
    edits.set(declared.start, floatMatrix(output));
  }
  return edits;
}

/** NodeProto in its place in the graph. */
function identityNode(input: string, output: string): Uint8Array {
  return encodeField(1, Buffer.concat([encodeField(1, input), encodeField(2, output), encodeField(4, 'Identity')]));
}

/** ValueInfoProto of a float32 matrix, both dimensions dynamic, in its place among the graph's outputs. */
function floatMatrix(name: string): Uint8Array {
  const anyDimension = encodeField(1, new Uint8Array(0));
  const shape = encodeField(2, Buffer.concat([anyDimension, anyDimension]));
  const tensorType = encodeField(1, Buffer.concat([encodeNumber(1, 1), shape]));
  return encodeField(12, Buffer.concat([encodeField(1, name), encodeField(2, tensorType)]));
}
