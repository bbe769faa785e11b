import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { allCodecs, createDecoder } from '../../../src/codecs/decoder.ts';
import { RequestError } from '../../../src/core/errors.ts';
import { batchOf, NOON } from '../../support/events.ts';
import { modelVersion, tensor } from '../../support/model-version.ts';
import { catalogOf } from '../../support/onnx-model.ts';
import { openScoring } from '../../support/open-scoring.ts';

const { signal } = new AbortController();

/** As the catalog does it: one look for all who ask before it begins, and for each name nobody knows another one. */
function lookingInputs(known: string) {
  let looks = 0;
  let next: Promise<void> | undefined;
  async function look(): Promise<never> {
    next ??= sleep(2).then(() => {
      looks++;
      next = undefined;
    });
    await next;
    throw new RequestError('unknown_model', 'route', 'it is not there');
  }
  return {
    looks: () => looks,
    inputOf: (model: string | undefined) => (model === undefined || model === known ? undefined : look()),
  };
}

it('wait for one look together, a batch of them among usual events, and end in their places', async () => {
  const version = modelVersion({
    inputs: ['x: float32[?,1]'],
    card: { outputs: { value: 'y' } },
    predict: ({ x }) => ({ y: tensor('float32', [x?.dims[0] ?? 0, 1], Array.from(x?.data as Float32Array)) }),
  });
  const inputs = lookingInputs('m');
  const batch = batchOf(Array.from({ length: 200 }, (_, i) => ({ request_id: i, model: version.name, features: [i] })));
  const events = batch.events.map((event, i) => {
    if (i % 4 !== 3) return event;
    return { ...event, body: Buffer.from('no request'), properties: { model: `name ${i}` } };
  });
  const decoder = createDecoder(allCodecs(), inputs);
  const scoring = openScoring(catalogOf(version), { clock: () => NOON, decoder });
  const scored = await scoring.score({ ...batch, events }, signal);
  const endings = scored.outcomes().map(({ body }) => JSON.parse(body.toString()));
  expect(endings.map(({ result_id }) => result_id.split('/')[2])).toEqual(events.map((_, i) => String(100 + i)));
  expect(endings.map(({ request_id, error }) => error?.code ?? request_id)).toEqual(
    events.map((_, i) => (i % 4 === 3 ? 'unknown_model' : i)),
  );
  expect(inputs.looks()).toBeLessThanOrEqual(2);
});
