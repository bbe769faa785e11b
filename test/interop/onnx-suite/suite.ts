import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readGraph } from '../../../src/backends/onnx/onnx-graph.ts';
import { readTensor, type SuiteTensor } from './read-tensor.ts';

/** One model of the suite: `node/test_abs`. */
export interface SuiteModel {
  readonly name: string;
  readonly kind: string;
  readonly file: string;
}

/** What one is given, and what it has to say; outputs without expected values are none. */
export interface Case {
  readonly inputs: Readonly<Record<string, SuiteTensor>>;
  readonly expected: Readonly<Record<string, SuiteTensor>>;
}

const KINDS = ['node', 'simple', 'pytorch-converted', 'pytorch-operator'];

/** @param folder `onnx/backend/test/data` of the package */
export function modelsIn(folder: string): readonly SuiteModel[] {
  const own = KINDS.flatMap(kind =>
    readdirSync(join(folder, kind)).map(name => ({
      name: `${kind}/${name}`,
      kind,
      file: join(folder, kind, name, 'model.onnx'),
    })),
  );
  const light = readdirSync(join(folder, 'light')).filter(name => name.endsWith('.onnx'));
  return [...own, ...light.map(name => ({ name: `light/${name}`, kind: 'light', file: join(folder, 'light', name) }))];
}

/** A model's one case: of files beside it, or of the networks without weights of their own, numbers in a row. */
export function caseOf({ kind, file }: SuiteModel): Case {
  const graph = readGraph(readFileSync(file));
  const inputs = [...graph.inputs.keys()].filter(name => !graph.initializers.has(name));
  const outputs = [...graph.outputs.keys()];
  const read = (path: string) => readTensor(readFileSync(path));
  const all = (names: readonly string[], of: (i: number) => SuiteTensor) =>
    Object.fromEntries(names.map((name, i) => [name, of(i)]));
  if (kind === 'light') {
    return {
      inputs: all(inputs, () => countedUp([1, 3, 224, 224])),
      expected: all(outputs, () => read(file.replace(/\.onnx$/, '_output_0.pb'))),
    };
  }
  const set = join(file, '../test_data_set_0');
  return {
    inputs: all(inputs, i => read(join(set, `input_${i}.pb`))),
    expected: all(outputs, i => read(join(set, `output_${i}.pb`))),
  };
}

/** 0 to below 1, as the suite's own runner makes them up. */
function countedUp(dims: readonly number[]): SuiteTensor {
  const count = dims.reduce((product, size) => product * size, 1);
  return { type: 'float32', dims, values: Array.from({ length: count }, (_, i) => Math.fround(i / count)) };
}
