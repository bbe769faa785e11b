import type { OnnxGraph } from './onnx-graph.ts';
import { fieldsOf } from './protobuf.ts';

// TensorProto, NodeProto, AttributeProto, GraphProto: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
const TENSOR = { externalData: 13, location: 14 };
const EXTERNAL = 1n;

/** The files that a graph's tensors lie in, as the file names them: relative to its folder. */
export function externalFiles(graph: OnnxGraph): readonly string[] {
  const files = new Set<string>();
  addOfGraph(graph.bytes, files);
  return [...files];
}

function addOfGraph(graph: Uint8Array, files: Set<string>): void {
  for (const { number, bytes } of fieldsOf(graph)) {
    if (!bytes) continue;
    if (number === 5) addOfTensor(bytes, files);
    if (number !== 1) continue;
    for (const field of fieldsOf(bytes)) if (field.number === 5 && field.bytes) addOfAttribute(field.bytes, files);
  }
}

/** A tensor, or a graph, stands before anything that is long. */
function addOfAttribute(attribute: Uint8Array, files: Set<string>): void {
  for (const { number, bytes } of fieldsOf(attribute)) {
    if (number === 5 && bytes) addOfTensor(bytes, files);
    if (number === 6 && bytes) addOfGraph(bytes, files);
    if (number > 6 && number < 12) return;
  }
}

function addOfTensor(tensor: Uint8Array, files: Set<string>): void {
  let location: string | undefined;
  let external = false;
  for (const { number, varint, bytes } of fieldsOf(tensor)) {
    if (number === TENSOR.location) external = varint === EXTERNAL;
    if (number !== TENSOR.externalData || !bytes) continue;
    const [key, value] = [1, 2].map(wanted =>
      textOf([...fieldsOf(bytes)].find(field => field.number === wanted)?.bytes),
    );
    if (key === 'location') location = value;
  }
  if (external && location !== undefined) files.add(location);
}

const textOf = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? []).toString('utf8');
