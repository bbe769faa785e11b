import type { OnnxGraph, OnnxNode } from './onnx-graph.ts';

/** Operators that hand a tensor on: another type or shape, the same values. */
const HANDS_ON = new Set(['Identity', 'Cast', 'Reshape', 'Squeeze', 'Unsqueeze']);

/** A graph as a net: what its tensors are made of. */
export interface GraphWalk {
  readonly producers: ReadonlyMap<string, OnnxNode>;
  /** Inputs that have to be fed. */
  readonly inputs: ReadonlySet<string>;
  /** Where a tensor comes from, past what only hands it on: an input, an initializer, or what a node makes. */
  originOf(tensor: string): string;
  /** Every tensor that these are made of, themselves included. */
  upstreamOf(tensors: Iterable<string>): ReadonlySet<string>;
}

export function walkOf(graph: OnnxGraph): GraphWalk {
  const producers = new Map<string, OnnxNode>();
  for (const node of graph.nodes) for (const output of node.outputs) if (output) producers.set(output, node);
  const inputs = new Set([...graph.inputs.keys()].filter(name => !graph.initializers.has(name)));
  return {
    producers,
    inputs,
    originOf(tensor) {
      let name = tensor;
      // No path is longer than there are nodes, in a graph that is none too.
      for (let steps = graph.nodes.length; steps > 0; steps--) {
        const node = producers.get(name);
        const [handed] = node?.inputs ?? [];
        if (!node || !handed || !HANDS_ON.has(node.op)) break;
        name = handed;
      }
      return name;
    },
    upstreamOf(tensors) {
      const seen = new Set(tensors);
      for (const name of seen) {
        const node = producers.get(name);
        for (const taken of node ? [...node.inputs, ...node.captured] : []) if (taken) seen.add(taken);
      }
      return seen;
    },
  };
}
