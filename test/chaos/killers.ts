import { gzipSync } from 'node:zlib';
import type { ContainerClient } from '@azure/storage-blob';
import { crashing, eater, eating, hanger, int4Output, looping, model, node, tensor, value } from '../support/onnx.ts';
import type { SeededRandom } from '../support/seeded-random.ts';
import { type ChaosEvent, makeEvent } from './requests.ts';

/*
 * Events, model files, cards and deployments that end, hold up or fill the process that takes them up: of ten kinds, among usual requests. Whatever is done to a killer, its neighbours have their answers.
 */

const KILLER_SHARE = 0.002;

/** Takes instances of any length, and memory by its square. */
const quadratic = model({
  nodes: [
    node('Unsqueeze', ['x', 'two'], ['column']),
    node('Unsqueeze', ['x', 'one'], ['row']),
    node('Mul', ['column', 'row'], ['square']),
    node('ReduceSum', ['square', 'both'], ['y'], { keepdims: 0 }),
  ],
  inputs: [value('x', 'float32', [null, null])],
  outputs: [value('y', 'float32', [null])],
  initializers: [tensor('one', [1], [1]), tensor('two', [1], [2]), tensor('both', [2], [1, 2])],
});

type Killer = (id: number) => {
  readonly body: string | Buffer;
  readonly contentType?: string;
  readonly expected?: string;
};

const asked = (id: number, model: string, features: string) =>
  `{"request_id": "c${id}", "model": "${model}", "features": ${features}}`;

/** Events that no worker of before outlived. */
export const KILLERS: Readonly<Record<string, Killer>> = {
  'crashes in-line': id => ({ body: asked(id, 'crashing', '[-1]'), expected: 'inference_failed' }),
  'loops for ever': id => ({ body: asked(id, 'looping', '[1e15]'), expected: 'inference_failed' }),
  'eats memory': id => ({ body: asked(id, 'eating', '[1e9]'), expected: 'inference_failed' }),
  'takes memory by the square of its length': id => ({ body: asked(id, 'quadratic', `[${'1,'.repeat(7_999)}1]`) }),
  'is very long': id => ({ body: asked(id, 'diabetes', `[${'1,'.repeat(60_000)}1]`), expected: 'schema_mismatch' }),
  'has 100,000 dimensions': id => ({
    body: `{"request_id": "c${id}", "model": "diabetes", "inputs": [{"name": "features", "datatype": "FP32", "shape": [${'1,'.repeat(99_999)}1], "data": [1]}]}`,
    expected: 'malformed_payload',
  }),
  'declares a batch of 0': id => ({
    body: `{"request_id": "c${id}", "model": "diabetes", "inputs": [{"name": "features", "datatype": "FP32", "shape": [0, 10], "data": []}]}`,
    expected: 'schema_mismatch',
  }),
  'is a gzip bomb': () => ({
    body: gzipSync(Buffer.alloc(40_000_000, 32)),
    contentType: 'application/gzip',
    expected: 'malformed_payload',
  }),
};

/** Files and cards that lie in storage beside the good ones, and have to stay without effect. */
const FILES: Readonly<Record<string, Buffer | string>> = {
  'crashing/1.0.0/model.onnx': crashing(),
  'looping/1.0.0/model.onnx': looping(),
  'eating/1.0.0/model.onnx': eating(),
  // Newer versions of a model that serves.
  'churn/1.0.1/model.onnx': int4Output(),
  'churn/1.0.2/model.onnx': hanger(),
  'churn/1.0.3/model.onnx': eater(4e9),
  'diabetes/1.1.1/model.onnx': crashing(),
  'diabetes/1.1.1/model.json': JSON.stringify({ batching: { max_batch_size: 1e9 } }),
  'diabetes/1.1.2/model.onnx': looping(),
  'diabetes/1.1.2/model.json': JSON.stringify({
    features: Array.from({ length: 100_000 }, () => ({ input: 'x' })),
  }),
  'diabetes/1.1.3/model.onnx': looping(),
  'diabetes/1.1.3/model.json': `{"description": "${'x'.repeat(17_000_000)}"}`,
  'quadratic/1.0.0/model.onnx': quadratic,
  'elsewhere/deployment.json': `{"aliases": {}, "x": "${'x'.repeat(20_000_000)}"}`,
};

/** Cards first, as a push does: a file without one would serve. */
export async function putKillers(models: ContainerClient): Promise<void> {
  const cardsFirst = Object.entries(FILES).sort(
    ([a], [b]) => Number(b.endsWith('.json')) - Number(a.endsWith('.json')),
  );
  for (const [path, content] of cardsFirst) {
    const bytes = Buffer.from(content);
    await models.getBlockBlobClient(path).upload(bytes, bytes.length);
  }
}

/** A usual event, or a killer. */
export function makeKiller(chaosId: number, random: SeededRandom): ChaosEvent {
  if (random.next() >= KILLER_SHARE) return makeEvent(chaosId, random);
  const { body, contentType, expected } = random.pick(Object.values(KILLERS))(chaosId);
  const properties = { chaosId, requests: 1, killer: true, ...(expected && { expected }) };
  return { body: Buffer.from(body), properties, ...(contentType && { contentType }) };
}
