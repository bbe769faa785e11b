import { walkOf } from './graph-walk.ts';
import { nodesWithin, type OnnxGraph, type OnnxNode } from './onnx-graph.ts';

/** Operators that go on for as long as what they are given says. */
const LOOPS = new Set(['Loop', 'Scan', 'SequenceMap', 'BeamSearch', 'GreedySearch', 'Sampling', 'WhisperBeamSearch']);

/** Operators that make as much as the values of these inputs say, by place. https://onnx.ai/onnx/operators */
const SIZED: Readonly<Record<string, readonly number[]>> = {
  AffineGrid: [1],
  BlackmanWindow: [0],
  CenterCropPad: [1],
  Col2Im: [1, 2],
  ConstantOfShape: [0],
  DFT: [1],
  Expand: [1],
  HammingWindow: [0],
  HannWindow: [0],
  ImageDecoder: [0],
  MaxUnpool: [2],
  MelWeightMatrix: [0, 1],
  OneHot: [1],
  Pad: [1],
  Range: [0, 1, 2],
  Resize: [1, 2, 3],
  STFT: [1, 3],
  Tile: [1, 2],
  Upsample: [1],
};
/** They give what depends on the shape of their input, not on what it holds; and requests are bounded by their shapes. */
const OF_SHAPES = new Set(['Shape', 'Size']);

/**
 * The operator by which the values of an input can keep a model at work for any time, or make it take any amount of memory; undefined where there is none. It errs on the careful side: such a model runs in
 * a process that can be killed, which costs it some microseconds a slice.
 */
export function unboundedOperator(graph: OnnxGraph): string | undefined {
  const { inputs } = walkOf(graph);
  const outer = graph.nodes.flatMap(withinAndItself);
  return (
    findIn(outer, inputs) ??
    graph.functions.map(one => findIn(one.nodes.flatMap(withinAndItself), new Set(one.inputs))).find(Boolean)
  );
}

function findIn(nodes: readonly OnnxNode[], inputs: ReadonlySet<string>): string | undefined {
  const producers = new Map(nodes.flatMap(node => node.outputs.map(output => [output, node] as const)));
  const isOfInputs = (name: string): boolean => {
    const seen = new Set([name]);
    for (const tensor of seen) {
      if (inputs.has(tensor)) return true;
      const node = producers.get(tensor);
      if (node && !OF_SHAPES.has(node.op)) for (const taken of [...node.inputs, ...node.captured]) seen.add(taken);
    }
    return false;
  };
  return nodes.find(({ op, inputs: taken }) => {
    if (LOOPS.has(op)) return true;
    return SIZED[op]?.some(place => taken[place] && isOfInputs(taken[place]));
  })?.op;
}

/** A node, and those of the graphs in its attributes. */
function withinAndItself(node: OnnxNode): readonly OnnxNode[] {
  return [node, ...[...node.attributes.values()].flatMap(nodesWithin).flatMap(withinAndItself)];
}
