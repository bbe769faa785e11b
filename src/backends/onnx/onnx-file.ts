import { readFile, stat } from 'node:fs/promises';
import { answersOf, type CardText } from './answers.ts';
import { classLabels } from './class-labels.ts';
import { editGraph } from './graph-edits.ts';
import { readGraph } from './onnx-graph.ts';
import { withoutZipMap } from './without-zip-map.ts';

/** What an ONNX file tells of itself beyond its inputs and outputs. */
export interface OnnxFile {
  /** `skl2onnx 1.20.0` */
  readonly producer: string;
  readonly opsets: ReadonlyMap<string, number>;
  readonly classes: readonly (string | number)[] | undefined;
  /** Inputs that no answer is made of. */
  readonly unneeded: readonly string[];
  /** The same model with tensors in place of ZipMaps, and without what makes no answer; undefined where it is that already. */
  readonly rewritten: Uint8Array | undefined;
}

/** Larger ones are networks, whose files hold neither class labels nor ZipMaps: not worth the memory. */
const LARGEST_READ = 512 * 1024 * 1024;
const NOTHING: OnnxFile = { producer: '', opsets: new Map(), classes: undefined, unneeded: [], rewritten: undefined };

/** Reads a file; one that cannot be read tells nothing: what is wrong with it, opening it will say. */
export async function readOnnxFile(path: string, card: CardText = {}): Promise<OnnxFile> {
  if ((await stat(path)).size > LARGEST_READ) return NOTHING;
  const bytes = await readFile(path);
  try {
    const graph = readGraph(bytes);
    const { outputs, unneeded, edits } = answersOf(graph, card);
    const changes = new Map([...withoutZipMap(graph), ...edits]);
    return {
      producer: graph.producer,
      opsets: graph.opsets,
      classes: classLabels(graph, outputs),
      unneeded,
      rewritten: changes.size > 0 ? editGraph(bytes, graph, changes) : undefined,
    };
  } catch {
    return NOTHING;
  }
}
