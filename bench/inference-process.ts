/** What it costs a slice to run in a process that can be killed: a linear model, in-line beside an inference process, one slice after the other. `node bench/inference-process.ts` */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openInline } from '../src/backends/onnx/in-line.ts';
import { createInferencePool } from '../src/backends/onnx/inference-pool.ts';
import type { Tensors } from '../src/core/tensor.ts';
import { regressor } from '../test/support/onnx.ts';
import { compare } from './harness.ts';

const SHAPES = [
  { rows: 1, features: 10 },
  { rows: 256, features: 10 },
  { rows: 256, features: 784 },
];

/** Microseconds a slice in each place, by shape. */
export async function measureInferenceProcess(): Promise<Readonly<Record<string, Readonly<Record<string, number>>>>> {
  const folder = mkdtempSync(join(tmpdir(), 'hubscore-bench-'));
  const limits = { timeoutMs: 60_000, growBytes: 2 ** 29, loadTimeoutMs: 60_000 };
  const pool = createInferencePool({ size: 1, log: { info() {}, warn() {}, error() {} }, limits });
  const figures: Record<string, Record<string, number>> = {};
  for (const { rows, features } of SHAPES) {
    const file = join(folder, `${features}.onnx`);
    writeFileSync(file, regressor(Array.from({ length: features }, (_, i) => Math.sin(i))));
    const source = {
      title: file,
      file,
      bytes: 1_000,
      plan: () => ({ maxBatchSize: rows, fixedBatch: false, inputs: slice }),
    };
    const slice = (count: number): Tensors => ({
      x: { type: 'float32', dims: [count, features], data: new Float32Array(count * features).fill(0.5) },
    });
    const engines = { 'in-line': await openInline(source), 'in a process': await pool.open(source) };
    const candidates = Object.entries(engines).map(([name, engine]) => ({
      name,
      async run() {
        for (let i = 0; i < 50; i++) await engine.run(slice(rows));
        return 50;
      },
    }));
    const { nsPerEvent } = await compare(candidates, 9, 200);
    for (const engine of Object.values(engines)) await engine.release();
    figures[`${rows} rows of ${features}, µs a slice`] = Object.fromEntries(
      Object.entries(nsPerEvent).map(([name, ns]) => [name, Math.round(ns / 100) / 10]),
    );
  }
  await pool.close();
  rmSync(folder, { recursive: true });
  return figures;
}

if (import.meta.main) console.log(await measureInferenceProcess());
