import { scoreModel } from './score-model.ts';
import type { SuiteModel } from './suite.ts';

/** Scores the models that it is sent, one after the other, and answers each. */
process.on('message', async (model: SuiteModel) => {
  const verdict = await scoreModel(model);
  process.send?.(verdict);
});
