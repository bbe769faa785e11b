import type { ModelVersion } from '../src/core/model.ts';
import type { HttpApi } from '../src/http/api.ts';
import { serveModels } from '../test/support/http-api.ts';
import { catalogOf, openModel } from './models.ts';
import { openScoring } from './open-scoring.ts';

/** The API that functions call, over the logistic model, telling nobody what it does. */
export async function openApi(): Promise<Pick<HttpApi, 'answer'> & { readonly model: ModelVersion }> {
  const { model } = await openModel('diabetes', '1.0.0');
  const catalog = catalogOf(model);
  const { answer } = serveModels(catalog, { ...openScoring(catalog), maxConcurrent: 1_000 });
  return { answer, model };
}
