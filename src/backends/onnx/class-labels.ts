import { walkOf } from './graph-walk.ts';
import { mlNetClasses } from './ml-net.ts';
import { attributeValues, type OnnxGraph, type OnnxNode, tensorValues } from './onnx-graph.ts';

type Classes = readonly (string | number)[];

/** Operators that change the form of a label or of probabilities, not their meaning. */
const PASSES_ON = new Set(['Cast', 'Identity', 'Reshape', 'Squeeze', 'Unsqueeze', 'Flatten', 'Normalizer', 'ZipMap']);
const LONGEST_PATH = 8;

/**
 * The class labels of a classifier, in the order of its probabilities, where the file itself has them: as attribute of the classifier
 * or of a ZipMap, or as the table that an argmax picks from (how scikit-learn's networks, bayesians and neighbours are exported).
 * @param outputs that are answers. Undefined where there are none, or where outputs disagree (several heads).
 */
export function classLabels(graph: OnnxGraph, outputs: Iterable<string>): Classes | undefined {
  const walk = walkOf(graph);
  const { producers } = walk;
  let found = mlNetClasses(graph, walk);
  if (found) return found;
  for (const output of outputs) {
    const classes = upstream(graph, producers, output);
    if (!classes) continue;
    if (found && found.join('\n') !== classes.join('\n')) return undefined;
    found = classes;
  }
  return found;
}

function upstream(graph: OnnxGraph, producers: ReadonlyMap<string, OnnxNode>, output: string): Classes | undefined {
  let name = output;
  for (let step = 0; step < LONGEST_PATH; step++) {
    const node = producers.get(name);
    if (!node) return undefined;
    const classes = labelsOf(node) ?? pickedFrom(graph, node);
    if (classes) return classes;
    if (!PASSES_ON.has(node.op) || node.inputs[0] === undefined) return undefined;
    name = node.inputs[0];
  }
  return undefined;
}

/** `classlabels_strings`, `classlabels_int64s` (trees, ZipMap) or `classlabels_ints` (linear models, support vectors). */
export function labelsOf(node: OnnxNode): Classes | undefined {
  for (const name of ['classlabels_strings', 'classlabels_int64s', 'classlabels_ints']) {
    const values = attributeValues(node.attributes.get(name));
    if (values) return values;
  }
  return undefined;
}

function pickedFrom(graph: OnnxGraph, node: OnnxNode): Classes | undefined {
  if (node.op !== 'ArrayFeatureExtractor' && node.op !== 'Gather') return undefined;
  const table = graph.initializers.get(node.inputs[0] ?? '');
  const values = table && tensorValues(table);
  return values && values.length > 1 && new Set(values).size === values.length ? values : undefined;
}
