import { createBlobs } from '../azure/blobs.ts';
import { readServingSettings } from '../config/config.ts';
import { eventHubsConnection, modelStorageConnection } from '../config/connection.ts';
import { RequestError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { ModelVersion } from '../core/model.ts';
import { someAtOnce } from '../core/some-at-once.ts';
import { serveParent } from '../processes/serve-parent.ts';
import { pairPartition } from '../shadow/pair-partition.ts';
import { NewerShadow } from '../shadow/shadow-state.ts';
import type { ScoreEvents } from '../shadow/told.ts';
import { createLoaders } from './create-loaders.ts';
import { openCatalog } from './open-catalog.ts';
import { openReader } from './open-events.ts';
import { createVersionScorer, versionAsked } from './open-version-scorer.ts';
import { createParts } from './parts.ts';
import type { ShadowAsked, ShadowGiven } from './shadow-protocol.ts';

/*
 * The process that asks a shadow's version what production was asked: reads, scores, pairs, and keeps the books of it. It runs at a lower priority than the worker, which has the
 * stream, and whatever the version does to it, production does not notice.
 */

/** The worker says it all itself. */
const quiet: Log = { info() {}, warn() {}, error() {} };
const world = { clock: Date.now, log: quiet };
const { part, close } = createParts(quiet);
const BLOCK = 500;
const DEADLINE_MS = 60_000;

const room = part(async lifetime => {
  const { settings } = readServingSettings(process.env);
  // In this process itself, which is one that can be ended.
  const { loaders, close } = createLoaders({ ...settings, WORKER_THREADS: 0 }, quiet);
  lifetime.free(close);
  const { catalog } = openCatalog(settings, { ...world, loaders, onLoad() {} });
  lifetime.free(catalog.close);
  const hubs = eventHubsConnection(settings);
  const requests = openReader(hubs, settings.REQUESTS_HUB, ['shadow'], BLOCK);
  const results = openReader(hubs, settings.RESULTS_HUB, ['monitor'], BLOCK);
  lifetime.free(() => Promise.allSettled([requests.close(), results.close()]));
  const blobs = createBlobs(modelStorageConnection(settings), settings.MONITOR_CONTAINER);
  const scorers = new WeakMap<ModelVersion, Promise<ScoreEvents>>();
  const scorerOf = (version: ModelVersion) => {
    const known = scorers.get(version) ?? createVersionScorer(settings, catalog, version);
    scorers.set(version, known);
    return known;
  };
  return { catalog, requests, results, blobs, scorerOf };
});

serveParent<ShadowAsked, ShadowGiven>(async ({ model, shadow, untilMs }) => {
  const { catalog, requests, results, blobs, scorerOf } = await room();
  try {
    const signal = AbortSignal.timeout(DEADLINE_MS);
    const version = await versionAsked(catalog, model, shadow.version);
    const score = await scorerOf(version);
    const { createdAtMs: requestsCreatedAtMs, partitions } = await requests.describe(signal);
    let [pairs, behind] = [0, 0];
    // One after the other: what is to disturb production least has the time.
    await someAtOnce(partitions, 1, async partition => {
      const options = { model, shadow, score, requests, results, requestsCreatedAtMs, blobs, clock: Date.now, untilMs };
      for (;;) {
        const paired = await pairPartition(partition, options, signal);
        pairs += paired.pairs;
        const isStuck = paired.pairs === 0;
        if (paired.behind > 0 && !isStuck && Date.now() < untilMs) continue;
        behind += paired.behind;
        return;
      }
    });
    return { kind: 'paired', pairs, behind };
  } catch (thrown) {
    if (thrown instanceof RequestError || thrown instanceof NewerShadow)
      return { kind: 'refused', message: thrown.message };
    throw thrown;
  }
}, close);
