import type { OnnxGraph } from './onnx-graph.ts';
import { encodeField, fieldsOf } from './protobuf.ts';

/** What is to change in a graph: its fields by where they start, each with what takes its place; nothing where it goes. */
export type GraphEdits = ReadonlyMap<number, Uint8Array>;

const GRAPH = 7;

/** The model with these changes; every other byte as it was. */
export function editGraph(file: Uint8Array, graph: OnnxGraph, edits: GraphEdits): Uint8Array {
  const parts = [...fieldsOf(graph.bytes)].map(
    ({ start, end }) => edits.get(start) ?? graph.bytes.subarray(start, end),
  );
  const edited = encodeField(GRAPH, Buffer.concat(parts));
  return Buffer.concat(
    [...fieldsOf(file)].map(({ number, start, end }) => (number === GRAPH ? edited : file.subarray(start, end))),
  );
}
