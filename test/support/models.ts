import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { OnnxSource } from '../../src/backends/onnx/onnx-source.ts';
import type { WarmUpPlan } from '../../src/core/backend.ts';
import type { Log } from '../../src/core/log.ts';
import type { Tensor, Tensors } from '../../src/core/tensor.ts';

/** A log that remembers. */
export interface Notes extends Log {
  readonly lines: string[];
  /** Lines that match. */
  about(pattern: RegExp): string[];
}

export function notes(): Notes {
  const lines: string[] = [];
  const note = (message: string) => void lines.push(message);
  return { lines, info: note, warn: note, error: note, about: pattern => lines.filter(line => pattern.test(line)) };
}

/** A folder of its own, and the way to remove it. */
export function temporaryFolder(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'hubscore-test-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

export function floats(dims: readonly number[], ...data: number[]): Tensor {
  return { type: 'float32', dims, data: Float32Array.from(data) };
}

let written = 0;
/** A model file on disk, to be tried with zeros. */
export function sourceOf(folder: string, file: Buffer, change: Partial<WarmUpPlan> = {}): OnnxSource {
  const path = join(folder, `${written++}.onnx`);
  writeFileSync(path, file);
  return {
    title: 'some/1.0.0/model.onnx',
    file: path,
    bytes: file.length,
    plan: signature => ({
      maxBatchSize: 16,
      fixedBatch: false,
      inputs: (rows): Tensors =>
        Object.fromEntries(
          signature.inputs.map(({ name, dims: [, ...rest] }) => {
            const dims = [rows, ...rest.map(dimension => dimension ?? 1)];
            const size = dims.reduce((product, dimension) => product * dimension, 1);
            return [name, { type: 'float32', dims, data: new Float32Array(size) }];
          }),
        ),
      ...change,
    }),
  };
}
