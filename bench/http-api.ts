import type { ModelVersion } from '../src/core/model.ts';
import { createHttpApi, type HttpApi } from '../src/http/api.ts';
import { catalogOf, openModel } from './models.ts';
import { openScoring } from './open-scoring.ts';

/** The API that functions call, over the logistic model, telling nobody what it does. */
export async function openApi(): Promise<Pick<HttpApi, 'answer'> & { readonly model: ModelVersion }> {
  const { model } = await openModel('diabetes', '1.0.0');
  const { answer } = createHttpApi({
    catalog: catalogOf(model),
    ...openScoring(catalogOf(model)),
    jobs: () => Promise.reject(new Error('there are no jobs here')),
    record: () => {},
    recordSlices: () => {},
    recordAsked: () => {},
    recordHttp: () => {},
    prometheus: async () => '',
    version: 'bench',
    maxBodyBytes: 8_000_000,
    maxConcurrent: 1_000,
    timeoutMs: 30_000,
    clock: Date.now,
    log: { info: () => {}, warn: () => {}, error: () => {} },
  });
  return { answer, model };
}
