import { createJobStorage } from '../azure/job-blobs.ts';
import { scoreChunk } from '../batch/jobs/score-chunk.ts';
import { BatchRefusal } from '../batch/problems.ts';
import { readServingSettings } from '../config/config.ts';
import { batchStorageConnection } from '../config/connection.ts';
import { BlobGone } from '../core/blobs.ts';
import { RequestError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import { serveParent } from '../processes/serve-parent.ts';
import type { BatchAsked, BatchGiven } from './batch-protocol.ts';
import { createLoaders } from './create-loaders.ts';
import { openCatalog } from './open-catalog.ts';
import { modelsOf } from './open-jobs.ts';
import { createParts } from './parts.ts';

/*
 * The process that scores chunks of batch jobs: reads the input, runs the model, stages the output. It runs at a lower priority than the worker, which has the stream, and can
 * be ended inside a chunk; the worker keeps the books.
 */

/** The worker says it all itself. */
const quiet: Log = { info() {}, warn() {}, error() {} };
const world = { clock: Date.now, log: quiet };
const { part, close } = createParts(quiet);
const never = new AbortController().signal;

const room = part(async lifetime => {
  const { settings } = readServingSettings(process.env);
  // In this process itself, which is one that can be ended.
  const { loaders, close } = createLoaders({ ...settings, WORKER_THREADS: 0 }, quiet, pin => catalog.member(pin));
  lifetime.free(close);
  const { catalog } = openCatalog(settings, { ...world, loaders, onLoad() {} });
  lifetime.free(catalog.close);
  const storage = createJobStorage(batchStorageConnection(settings));
  const find = modelsOf(settings, catalog, world);
  return { storage, blobs: storage(settings.BATCH_CONTAINER), find, clock: Date.now };
});

serveParent<BatchAsked, BatchGiven>(async asked => {
  const opened = await room();
  if (asked.kind === 'ready') return { kind: 'ready' };
  const { job, message } = asked;
  try {
    const model = await opened.find(job.model, job.model_version);
    if (model.scorer.version.label !== job.model_version) {
      const { label } = model.scorer.version;
      return {
        kind: 'refused',
        message: `${job.model} ${job.model_version} is no longer there; ${label} would answer`,
      };
    }
    return { kind: 'scored', record: await scoreChunk(opened, job, message, model, never) };
  } catch (thrown) {
    if (thrown instanceof BlobGone) return { kind: 'gone', message: thrown.message };
    if (thrown instanceof BatchRefusal) return { kind: 'refused', message: thrown.message };
    if (thrown instanceof RequestError && thrown.code === 'unknown_model') {
      return { kind: 'refused', message: thrown.message };
    }
    throw thrown;
  }
}, close);
