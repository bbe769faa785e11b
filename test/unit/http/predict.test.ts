import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { InfrastructureError } from '../../../src/core/errors.ts';
import type { ScoredBatch } from '../../../src/core/scored-batch.ts';
import { post, serveModels } from '../../support/http-api.ts';
import { catalogOf, openModel } from '../../support/onnx-model.ts';
import { openScoring } from '../../support/open-scoring.ts';

const MODELS = resolve(import.meta.dirname, '../../../samples/models');
const cases = (folder: string) =>
  readFileSync(join(MODELS, folder, 'cases.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map(line => JSON.parse(line) as { request_id: string; features: unknown; expected: { label: unknown } });
const [diabetes, topic] = [
  await openModel(join(MODELS, 'diabetes/1.1.0')),
  await openModel(join(MODELS, 'topic/1.0.0')),
];
const catalog = catalogOf(diabetes, topic);
const recorded: ScoredBatch[] = [];
const api = serveModels(catalog, { recordAsked: scored => recorded.push(scored) });
const [one, other] = cases('diabetes/1.1.0') as [ReturnType<typeof cases>[0], ReturnType<typeof cases>[0]];
afterAll(() => Promise.all([diabetes, topic].map(({ backend }) => backend.close())));

async function predict(name: string, body: unknown, headers: Readonly<Record<string, string>> = {}) {
  const reply = await post(api, 'predict', { name }, body, headers);
  return { ...reply, body: JSON.parse(String(reply.body)) };
}

describe('a request as in the hub', () => {
  it('has a result as in the hub', async () => {
    const request = { request_id: one.request_id, features: one.features };
    const { status, headers, body } = await predict('diabetes', request);
    expect([status, headers['content-type']]).toEqual([200, 'application/json']);
    expect(body).toMatchObject({
      request_id: one.request_id,
      result_id: expect.stringMatching(/^http\/[0-9a-f]{8}\/\d+$/),
      model: 'diabetes',
      model_version: diabetes.label,
      prediction: one.expected.label,
      probabilities: { '0': expect.any(Number), '1': expect.any(Number) },
    });
    expect(recorded.at(-1)).toMatchObject({ length: 1 });
  });

  it('is answered by the model of the path, whatever others are asked at once', async () => {
    const topics = cases('topic/1.0.0').slice(0, 20);
    const numbers = cases('diabetes/1.1.0').slice(0, 20);
    const asked = [
      ...topics.map(({ features, request_id }) => predict('topic', { features, request_id })),
      ...numbers.map(({ features, request_id }) => predict('diabetes', { features, request_id })),
    ];
    const before = recorded.length;
    const answers = await Promise.all(asked);
    const expected = [...topics, ...numbers].map(({ request_id, expected: { label } }) => [request_id, label]);
    expect(answers.map(({ body }) => [body.request_id, body.prediction])).toEqual(expected);
    expect(recorded.length - before).toBe(2);
  });

  it('may be several, packed, or of another form, and then has as many answers', async () => {
    const several = [
      { request_id: 'a', features: one.features },
      { request_id: 'b', features: [1] },
    ];
    const { status, body } = await predict('diabetes', gzipSync(JSON.stringify(several)), {
      'content-encoding': 'gzip',
    });
    expect(status).toBe(200);
    expect(body).toMatchObject([
      { request_id: 'a', prediction: one.expected.label },
      { request_id: 'b', code: 'schema_mismatch', error: expect.stringContaining('10') },
    ]);
    const form = { 'content-type': 'application/x-www-form-urlencoded' }; // what curl says of all it sends
    expect((await predict('diabetes', { features: other.features }, form)).body.prediction).toBe(other.expected.label);
    const tensors = { inputs: [{ name: 'features', shape: [1, 10], datatype: 'FP32', data: one.features }] };
    expect((await predict('diabetes', tensors)).body.prediction).toBe(one.expected.label);
  });

  it.each<[string, string, unknown, number, object]>([
    [
      'that has too few features',
      'diabetes',
      { request_id: 7, features: [1] },
      400,
      { code: 'schema_mismatch', request_id: 7 },
    ],
    ['that is none', 'diabetes', '{', 400, { code: 'malformed_payload' }],
    [
      'of an unknown model',
      'nowhere',
      { features: [1] },
      404,
      { code: 'unknown_model', error: expect.stringContaining('nowhere') },
    ],
    [
      'that names another model',
      'diabetes',
      { model: 'topic', features: ['x'] },
      400,
      { error: 'the body names model topic, the path diabetes' },
    ],
  ])('%s is an error', async (_, name, body, status, said) => {
    const reply = await predict(name, body);
    expect(reply).toMatchObject({ status, body: said });
    expect(reply.body.error).toBeTypeOf('string');
  });

  it('is a 503 where storage is away, and too many are turned away before they are read', async () => {
    const score = () => Promise.reject(new InfrastructureError('models cannot be read'));
    const away = serveModels(catalog, { score });
    expect(await post(away, 'predict', { name: 'diabetes' }, {})).toMatchObject({
      status: 503,
      headers: { 'retry-after': '1' },
    });
    let go: (() => void) | undefined;
    const { score: real } = openScoring(catalog);
    const slow = serveModels(catalog, {
      maxConcurrent: 1,
      score: async (batch, signal) => {
        await new Promise<void>(resolve => {
          go = resolve;
        });
        return real(batch, signal);
      },
    });
    const first = post(slow, 'predict', { name: 'diabetes' }, { features: one.features });
    await expect.poll(() => go).toBeDefined();
    const unread = { params: {}, headers: new Headers(), arrayBuffer: () => Promise.reject(new Error('it was read')) };
    for (const route of ['predict', 'v2-infer'] as const)
      expect(await slow.answer(route, unread)).toMatchObject({ status: 503, headers: { 'retry-after': '1' } });
    let settled = false;
    const end = slow.settled().then(() => {
      settled = true;
    });
    await new Promise(resolve => setImmediate(resolve));
    expect(settled).toBe(false);
    go?.();
    await end;
    expect(await first).toMatchObject({ status: 200 });
  });
});
