import { readFile, stat } from 'node:fs/promises';
import { staysInside } from '../../core/inside.ts';
import { answersOf, type CardText } from './answers.ts';
import { classLabels } from './class-labels.ts';
import { externalFiles } from './external-data.ts';
import { editGraph } from './graph-edits.ts';
import { readGraph } from './onnx-graph.ts';
import { mayBeRandom } from './random-answers.ts';
import { unboundedOperator } from './unbounded.ts';
import { withoutSequences } from './without-sequences.ts';
import { withoutZipMap } from './without-zip-map.ts';

/** What an ONNX file tells of itself beyond its inputs and outputs. */
export interface OnnxFile {
  /** `skl2onnx 1.20.0` */
  readonly producer: string;
  readonly opsets: ReadonlyMap<string, number>;
  readonly classes: readonly (string | number)[] | undefined;
  /** Inputs that no answer is made of. */
  readonly unneeded: readonly string[];
  /** By which operator an input's values can keep it at work for ever, or make it take any amount of memory. */
  readonly unbounded: string | undefined;
  /** It may answer the same instance differently each time. */
  readonly random: boolean;
  /** The same model with tensors in place of ZipMaps and of sequences, and without what makes no answer; undefined where it is that already. */
  readonly rewritten: Uint8Array | undefined;
}

/** Larger ones are networks, whose files hold neither class labels nor ZipMaps: not worth the memory. */
const LARGEST_READ = 512 * 1024 * 1024;
/**
 * The files beside it that hold an ONNX file's weights, as torch.onnx.export writes `<name>.onnx.data`.
 * @throws Error where one lies outside its folder.
 */
export async function filesBeside(path: string): Promise<readonly string[]> {
  if ((await stat(path)).size > LARGEST_READ) return [];
  let files: readonly string[];
  try {
    files = externalFiles(readGraph(await readFile(path)));
  } catch (thrown) {
    if (thrown instanceof RangeError) return [];
    throw thrown;
  }
  // Some exporters write ./name
  const names = files.map(file => file.replace(/^(\.\/)+/, ''));
  const outside = names.find(name => !staysInside(name));
  if (outside !== undefined) throw new Error(`weights in ${outside}: expected a file in the model's folder`);
  return names;
}

const NOTHING: OnnxFile = {
  producer: '',
  opsets: new Map(),
  classes: undefined,
  unneeded: [],
  unbounded: undefined,
  random: false,
  rewritten: undefined,
};

/** Reads a file; one that cannot be read tells nothing: what is wrong with it, opening it will say. */
export async function readOnnxFile(path: string, card: CardText = {}): Promise<OnnxFile> {
  if ((await stat(path)).size > LARGEST_READ) return NOTHING;
  const bytes = await readFile(path);
  try {
    const graph = readGraph(bytes);
    const { outputs, unneeded, edits } = answersOf(graph, card);
    const changes = new Map([...withoutZipMap(graph), ...withoutSequences(graph), ...edits]);
    return {
      producer: graph.producer,
      opsets: graph.opsets,
      classes: classLabels(graph, outputs),
      unneeded,
      unbounded: unboundedOperator(graph),
      random: mayBeRandom(graph),
      rewritten: changes.size > 0 ? editGraph(bytes, graph, changes) : undefined,
    };
  } catch {
    return NOTHING;
  }
}
