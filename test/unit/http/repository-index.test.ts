import { expect, it } from 'vitest';
import { indexOf } from '../../../src/http/repository-index.ts';
import { post, serveModels } from '../../support/http-api.ts';
import { catalogOf } from '../../support/onnx-model.ts';

const MODELS = [
  { name: 'churn', versions: ['1.0.0', '2.0.0'], aliases: {}, production: '2.0.0', loaded: ['2.0.0+a1b2c3d4'] },
  { name: 'topic', versions: ['1.0.0'], aliases: {}, production: '1.0.0', loaded: [] },
];
const entries = (body: string) =>
  indexOf(MODELS, Buffer.from(body)).map(({ name, version, state }) => `${name} ${version} ${state}`);

it('lists all versions with what they are', () => {
  const all = ['churn 1.0.0 UNAVAILABLE', 'churn 2.0.0 READY', 'topic 1.0.0 UNAVAILABLE'];
  for (const body of ['', '{}', '{"ready": false}', '{"ready": null, "repository_name": "x"}'])
    expect(entries(body)).toEqual(all);
  expect(indexOf(MODELS, Buffer.from(''))[0]?.reason).toContain('not loaded');
});

it('lists those that are loaded where it is asked so', () => {
  expect(entries('{"ready": true}')).toEqual(['churn 2.0.0 READY']);
});

it('refuses what is no question', async () => {
  for (const body of ['{', '[]', '{"ready": "yes"}']) expect(() => entries(body)).toThrow(/ready/);
  const api = serveModels({ ...catalogOf(), list: async () => MODELS });
  expect(await post(api, 'v2-repository-index', {}, '[')).toMatchObject({ status: 400 });
  const { status, body } = await post(api, 'v2-repository-index', {}, { ready: true });
  expect([status, JSON.parse(String(body))]).toEqual([200, indexOf(MODELS, Buffer.from('{"ready":true}'))]);
});
