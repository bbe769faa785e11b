import { parentPort } from 'node:worker_threads';
import type { WorkerRequest } from '../../src/backends/onnx/worker-protocol.ts';

// Stands in for the pool's worker: answers with the number it was given, waits where that is 100 or more, dies where it is negative.
const port = parentPort!;
const loaded = new Set<number>();
const number = { name: 'x', type: 'float32', dims: [null] } as const;

port.on('message', (request: WorkerRequest) => {
  if (request.kind === 'end') return port.close();
  if (request.kind === 'load') {
    loaded.add(request.model);
    const signature = { inputs: [number], outputs: [number], opaqueOutputs: [] };
    return port.postMessage({ kind: 'loaded', model: { signature, memoryBytes: 1 } });
  }
  if (request.kind === 'unload') return port.postMessage({ kind: 'unloaded' });
  const value = (request.inputs.x!.data as Float32Array)[0]!;
  if (value < 0) throw new Error('out of luck');
  if (!loaded.has(request.model)) return port.postMessage({ kind: 'failed', message: 'not loaded' });
  setTimeout(() => port.postMessage({ kind: 'ran', outputs: { x: request.inputs.x } }), value >= 100 ? value : 0);
});
