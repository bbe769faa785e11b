import { resolve } from 'node:path';
import { expect, it } from 'vitest';
import { createDemoEvents } from '../../../../src/local/demo/requests.ts';
import { listSampleModels, readSampleRequests } from '../../../../src/local/demo/samples.ts';
import { randomInputs } from '../../../support/seed.ts';

const SAMPLES = resolve(import.meta.dirname, '../../../../samples');

it('varies models, versions and forms, with about one bad event in a hundred', () => {
  const next = createDemoEvents(readSampleRequests(SAMPLES), randomInputs().next);
  const forms = new Set<string>();
  const versions = new Set<unknown>();
  const ids = new Set<string>();
  let requests = 0;
  let bad = 0;
  for (let i = 0; i < 4000; i++) {
    const event = next();
    requests += event.requests;
    let parsed: unknown;
    try {
      parsed = JSON.parse(event.body);
    } catch {
      bad++;
      continue;
    }
    for (const request of [parsed].flat() as Record<string, unknown>[]) {
      ids.add(request.request_id as string);
      const { features } = request;
      if (features === undefined || request.model === 'chrun') bad++;
      else if (
        request.model === 'diabetes' &&
        Array.isArray(features) &&
        (features.length === 9 || features[9] === 'high')
      )
        bad++;
      forms.add(`${request.model} ${Array.isArray(features) ? 'array' : typeof features}`);
      if (request.model === 'diabetes') versions.add(request.model_version);
    }
  }
  expect(bad / 4000).toBeGreaterThan(0.002);
  expect(bad / 4000).toBeLessThan(0.02);
  expect(ids.size).toBeGreaterThan(requests * 0.98);
  expect([...forms]).toEqual(
    expect.arrayContaining([
      'diabetes array',
      'churn array',
      'churn object',
      'topic string',
      'topic object',
      'sentiment string',
    ]),
  );
  expect(versions).toEqual(new Set([undefined, '1.0.0', '1.1.0', 'v1', 'production']));
});

it('finds the sample models that the contract names', () => {
  expect(listSampleModels(SAMPLES).map(({ name, version }) => `${name} ${version}`)).toEqual([
    'churn 1.0.0',
    'diabetes 1.0.0',
    'diabetes 1.1.0',
    'sentiment 1.0.0',
    'topic 1.0.0',
  ]);
});
