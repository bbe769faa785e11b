import { setTimeout as sleep } from 'node:timers/promises';
import { parentPort } from 'node:worker_threads';
import type { WorkerReply, WorkerRequest } from '../../src/backends/onnx/worker-protocol.ts';

// Stands in for the pool's worker, one request after the other: answers with the number it was given, waits where that is 100 or more, dies where it is negative.
const port = parentPort!;
const loaded = new Set<number>();
const number = { name: 'x', type: 'float32', dims: [null] } as const;
let last: Promise<void> = Promise.resolve();

async function answer(request: Exclude<WorkerRequest, { kind: 'end' }>): Promise<WorkerReply> {
  if (request.kind === 'load') {
    loaded.add(request.model);
    const signature = { inputs: [number], outputs: [number], opaqueOutputs: [] };
    return { kind: 'loaded', model: { signature, memoryBytes: 1 } };
  }
  if (request.kind === 'unload') return { kind: 'unloaded' };
  const value = (request.inputs.x!.data as Float32Array)[0]!;
  if (value < 0) throw new Error('out of luck');
  if (!loaded.has(request.model)) return { kind: 'failed', message: 'not loaded' };
  if (value >= 100) await sleep(value);
  return { kind: 'ran', outputs: { x: request.inputs.x! } };
}

port.on('message', (request: WorkerRequest) => {
  if (request.kind === 'end') return port.close();
  last = last.then(async () => port.postMessage(await answer(request)));
});
