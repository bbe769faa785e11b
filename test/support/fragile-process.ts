import { setTimeout as sleep } from 'node:timers/promises';
import type { InferenceReply, InferenceRequest } from '../../src/backends/onnx/inference-protocol.ts';
import { serveParent } from '../../src/processes/serve-parent.ts';

// Stands in for an inference process: answers with the number it was given, waits where that is 100 or more, for ever where it is infinite, dies where it is negative.
const loaded = new Set<number>();
const number = { name: 'x', type: 'float32', dims: [null] } as const;

serveParent<InferenceRequest, InferenceReply>(async request => {
  if (request.kind === 'load') {
    loaded.add(request.model);
    const signature = { inputs: [number], outputs: [number], opaqueOutputs: [] };
    return { kind: 'loaded', model: { signature, memoryBytes: 1 } };
  }
  if (request.kind === 'unload') return { kind: 'unloaded' };
  const value = (request.inputs.x!.data as Float32Array)[0]!;
  if (value < 0) process.kill(process.pid, 'SIGSEGV');
  if (!loaded.has(request.model)) throw new Error('not loaded');
  while (value === Number.POSITIVE_INFINITY);
  if (value >= 100) await sleep(value);
  return { kind: 'ran', outputs: { x: request.inputs.x! } };
});
