import type { GraphEdits } from './graph-edits.ts';
import { type GraphWalk, walkOf } from './graph-walk.ts';
import { mlNetAnswers } from './ml-net.ts';
import type { OnnxGraph } from './onnx-graph.ts';

/** model.json as it came. */
export type CardText = Readonly<Record<string, unknown>>;

/** What of a graph makes its answers. */
export interface Answers {
  readonly outputs: readonly string[];
  /** Inputs that no answer is made of, and no feature of the card's. */
  readonly unneeded: readonly string[];
  /** What leaves the rest out of the graph. */
  readonly edits: GraphEdits;
}

const NOTHING = new Uint8Array(0);

/**
 * Tells the outputs that are answers from those that only hand an input on, and the inputs that are needed from those that no answer is
 * made of: exporters that write a whole table's pipeline make every column an input and an output, the label of training too.
 */
export function answersOf(graph: OnnxGraph, card: CardText): Answers {
  const walk = walkOf(graph);
  const all = [...graph.outputs.keys()];
  const named = namedOutputs(card);
  const found = mlNetAnswers(graph, walk) ?? all.filter(output => isAnswer(walk, output));
  const some = all.filter(output => found.includes(output) || named.has(output));
  const outputs = some.length > 0 ? some : all;
  const needed = walk.upstreamOf(outputs);
  const asked = featureInputs(card);
  const unneeded = [...walk.inputs].filter(input => !needed.has(input) && !asked.has(input));
  const none = outputs.length === all.length && (unneeded.length === 0 || unneeded.length === walk.inputs.size);
  return none
    ? { outputs, unneeded: [], edits: new Map() }
    : { outputs, unneeded, edits: cut(graph, outputs, needed, unneeded) };
}

/** An output that an input merely passes through, or that depends on none, is no answer. */
function isAnswer(walk: GraphWalk, output: string): boolean {
  if (walk.inputs.has(walk.originOf(output))) return false;
  for (const name of walk.upstreamOf([output])) if (walk.inputs.has(name)) return true;
  return false;
}

function cut(
  graph: OnnxGraph,
  outputs: readonly string[],
  needed: ReadonlySet<string>,
  unneeded: readonly string[],
): GraphEdits {
  const edits = new Map<number, Uint8Array>();
  for (const node of graph.nodes)
    if (!node.outputs.some(output => needed.has(output))) edits.set(node.field.start, NOTHING);
  for (const [name, field] of graph.outputs) if (!outputs.includes(name)) edits.set(field.start, NOTHING);
  for (const [name, field] of graph.inputs) if (unneeded.includes(name)) edits.set(field.start, NOTHING);
  return edits;
}

/** The outputs that the card gives a role. */
function namedOutputs({ outputs }: CardText): ReadonlySet<unknown> {
  return new Set(Object.values((outputs ?? {}) as object));
}

/** The inputs that the card's features fill. */
function featureInputs({ features }: CardText): ReadonlySet<unknown> {
  const list = (Array.isArray(features) ? features : []) as { readonly name?: unknown; readonly input?: unknown }[];
  return new Set(list.map(({ name, input }) => input ?? name));
}
