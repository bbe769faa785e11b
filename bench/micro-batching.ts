/**
 * What sharing runs is worth: four callers, each with a slice of a few rows at a time, on one inference process; every slice by itself beside
 * slices that wait sharing a run. `node bench/micro-batching.ts`
 */
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createMicroBatcher } from '../src/backends/micro-batcher.ts';
import { createEngineBackend } from '../src/backends/onnx/engine-backend.ts';
import { createInferencePool } from '../src/backends/onnx/inference-pool.ts';
import type { Backend } from '../src/core/backend.ts';
import type { Tensors } from '../src/core/tensor.ts';
import { network } from '../test/support/onnx.ts';
import { type Candidate, type Comparison, compare } from './harness.ts';

const CALLERS = 4;
const FEATURES = 64;

async function compareSharing(file: string, rows: number): Promise<Comparison> {
  const pool = createInferencePool({
    ...{ size: 1, log: { info() {}, warn() {}, error() {} } },
    limits: { timeoutMs: 60_000, growBytes: 2 ** 29, loadTimeoutMs: 60_000 },
  });
  let input = '';
  const slice = (count: number): Tensors => {
    const data = Float32Array.from({ length: count * FEATURES }, (_, i) => (i * 7) % 17);
    return { [input]: { type: 'float32', dims: [count, FEATURES], data } };
  };
  const source = {
    ...{ title: file, file, bytes: statSync(file).size },
    plan(signature: Backend['info']['signature']) {
      input = signature.inputs[0]?.name ?? '';
      return { maxBatchSize: undefined, fixedBatch: false, inputs: slice };
    },
  };
  const alone = createEngineBackend(source, 'worker', () => pool.open(source));
  const shared = createMicroBatcher(alone, { runs: 1, maxQueueDelayMs: 0 });
  await alone.load();
  const candidate = (name: string, backend: Backend): Candidate => ({
    name,
    async run() {
      const calls = 10;
      const call = async () => {
        for (let i = 0; i < calls; i++) await backend.predict(slice(rows));
      };
      await Promise.all(Array.from({ length: CALLERS }, call));
      return CALLERS * calls * rows;
    },
  });
  try {
    return await compare([candidate('each slice by itself', alone), candidate('shared runs', shared)], 9, 200);
  } finally {
    await alone.close();
    await pool.close();
  }
}

const folder = mkdtempSync(join(tmpdir(), 'hubscore-bench-'));
const own = join(folder, 'network.onnx');
writeFileSync(own, network());
const fixture = (name: string) => resolve(import.meta.dirname, `../../shared/models/${name}/1.0.0/model.onnx`);
for (const file of [own, fixture('digits-mlp'), fixture('digits-forest')].filter(existsSync)) {
  for (const rows of [1, 4, 16]) {
    const { nsPerEvent, speed } = await compareSharing(file, rows);
    console.log(file.split('/').slice(-3).join('/'), `slices of ${rows}`, JSON.stringify({ nsPerEvent, speed }));
  }
}
rmSync(folder, { recursive: true });
