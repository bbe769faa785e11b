import type { Asked, Given } from '../apart/protocol.ts';
import { sendEndings } from '../apart/wire-endings.ts';
import { receiveRequest, sendEnding } from '../apart/wire-predictions.ts';
import { readServingSettings } from '../config/config.ts';
import { InfrastructureError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { Ending } from '../core/outcome.ts';
import { serveParent } from '../processes/serve-parent.ts';
import type { Scoring } from '../scoring/scoring.ts';
import { createLoaders } from './create-loaders.ts';
import { openCatalog } from './open-catalog.ts';
import { openScoring } from './open-scoring.ts';
import { createParts } from './parts.ts';

/*
 * The process that scores what may kill its process: models and scoring as in the worker, no hubs, no ledger, no result cache, no metrics. What it is asked it answers, or dies of.
 */

/** The worker says it all itself. */
const quiet: Log = { info() {}, warn() {}, error() {} };
const world = { clock: Date.now, log: quiet };
const { part, close } = createParts(quiet);
const never = new AbortController().signal;

const scoring = part(async (lifetime): Promise<Scoring> => {
  const { settings } = readServingSettings(process.env);
  const { loaders, close } = createLoaders(settings, quiet, pin => catalog.member(pin));
  lifetime.free(close);
  const { catalog } = openCatalog(settings, { ...world, loaders, onLoad() {} });
  lifetime.free(catalog.close);
  // Not started: it would load all models that there are, which the worker holds already.
  setInterval(() => catalog.refresh().catch(() => {}), settings.MODEL_REFRESH_SECONDS * 1000).unref();
  return openScoring(settings, { ...world, catalog, cache: undefined });
});

serveParent<Asked, Given>(async asked => {
  const { score, predict } = await scoring();
  if (asked.kind === 'ready') return { kind: 'ready' };
  try {
    if (asked.kind === 'score') return { kind: 'scored', endings: sendEndings(await score(asked.batch, never)) };
    const [ending] = await predict([receiveRequest(asked.request)], never);
    return { kind: 'predicted', ending: sendEnding(ending as Ending) };
  } catch (thrown) {
    if (thrown instanceof InfrastructureError) return { kind: 'away', message: thrown.message };
    throw thrown;
  }
}, close);
