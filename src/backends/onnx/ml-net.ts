import type { GraphWalk } from './graph-walk.ts';
import { attributeValues, type OnnxGraph } from './onnx-graph.ts';

type Names = readonly (string | number)[];

/** A column of ML.NET's among the outputs: `Score`, in newer exports `Score.output`, in older ones `Score0`. */
function columnOf(graph: OnnxGraph, column: string): string | undefined {
  return [...graph.outputs.keys()].find(output => new RegExp(`^${column}(\\.output|\\d+)?$`).test(output));
}

const isMlNet = (graph: OnnxGraph) => graph.producer.startsWith('ML.NET');

/**
 * The answers in an export of ML.NET's, where every column of the pipeline is an output: the class, by its name where the file maps its key to
 * one, the scores, and the probability of true. Undefined where the file is none.
 */
export function mlNetAnswers(graph: OnnxGraph, walk: GraphWalk): readonly string[] | undefined {
  if (!isMlNet(graph)) return undefined;
  const label = columnOf(graph, 'PredictedLabel');
  const named = label && keyNames(graph, walk, label)?.output;
  const found = [named ?? label, columnOf(graph, 'Score'), columnOf(graph, 'Probability')];
  const answers = found.filter(output => output !== undefined);
  return answers.length > 0 ? answers : undefined;
}

/** The names of an ML.NET classifier's keys in the order of its scores, where the file has them. */
export function mlNetClasses(graph: OnnxGraph, walk: GraphWalk): Names | undefined {
  const label = isMlNet(graph) ? columnOf(graph, 'PredictedLabel') : undefined;
  return label === undefined ? undefined : (keyNames(graph, walk, label)?.names ?? trainingNames(graph, walk));
}

interface KeyNames {
  /** The output that gives the names in place of keys. */
  readonly output: string;
  readonly names: Names;
}

/** MapKeyToValue: a LabelEncoder from the predicted keys to their names. */
function keyNames(graph: OnnxGraph, walk: GraphWalk, label: string): KeyNames | undefined {
  for (const output of [label, ...graph.outputs.keys()]) {
    const node = walk.producers.get(walk.originOf(output));
    const [keys] = node?.inputs ?? [];
    if (node?.op !== 'LabelEncoder' || keys === undefined) continue;
    const names = inOrder(
      attributeValues(node.attributes.get('keys_int64s')),
      attributeValues(node.attributes.get('values_strings')),
    );
    if (names && (output === label || walk.originOf(keys) === walk.originOf(label))) return { output, names };
  }
  return undefined;
}

/** MapValueToKey of the column that was trained on: a LabelEncoder from names to keys. */
function trainingNames(graph: OnnxGraph, walk: GraphWalk): Names | undefined {
  const label = columnOf(graph, 'Label');
  const node = label === undefined ? undefined : walk.producers.get(walk.originOf(label));
  if (node?.op !== 'LabelEncoder') return undefined;
  return inOrder(
    attributeValues(node.attributes.get('values_int64s')),
    attributeValues(node.attributes.get('keys_strings')),
  );
}

function inOrder(keys: Names | undefined, names: Names | undefined): Names | undefined {
  if (!keys || keys.length !== names?.length) return undefined;
  const pairs = keys.map((key, i) => ({ key: Number(key), name: names[i] as string }));
  return pairs.sort((one, other) => one.key - other.key).map(({ name }) => name);
}
