import { readFile, stat } from 'node:fs/promises';
import { classLabels } from './class-labels.ts';
import { readGraph } from './onnx-graph.ts';
import { withoutZipMap } from './without-zip-map.ts';

/** What an ONNX file tells of itself beyond its inputs and outputs. */
export interface OnnxFile {
  /** `skl2onnx 1.20.0` */
  readonly producer: string;
  readonly opsets: ReadonlyMap<string, number>;
  readonly classes: readonly (string | number)[] | undefined;
  /** The same model with tensors in place of ZipMaps; undefined where it has none. */
  readonly rewritten: Uint8Array | undefined;
}

/** Larger ones are networks, whose files hold neither class labels nor ZipMaps: not worth the memory. */
const LARGEST_READ = 512 * 1024 * 1024;
const NOTHING: OnnxFile = { producer: '', opsets: new Map(), classes: undefined, rewritten: undefined };

/** Reads a file; one that cannot be read tells nothing: what is wrong with it, opening it will say. */
export async function readOnnxFile(path: string): Promise<OnnxFile> {
  if ((await stat(path)).size > LARGEST_READ) return NOTHING;
  const bytes = await readFile(path);
  try {
    const graph = readGraph(bytes);
    return {
      producer: graph.producer,
      opsets: graph.opsets,
      classes: classLabels(graph),
      rewritten: withoutZipMap(bytes, graph),
    };
  } catch {
    return NOTHING;
  }
}
