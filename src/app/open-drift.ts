import { createBlobs } from '../azure/blobs.ts';
import { eventHubsConnection, modelStorageConnection } from '../config/connection.ts';
import type { Settings } from '../config/settings.ts';
import { createDriftWatch } from '../drift/watch.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import { openCodecs } from './open-codecs.ts';
import { openReader } from './open-events.ts';
import type { Lifetime } from './parts.ts';
import { createWatchedModels } from './watched-models.ts';
import type { World } from './world.ts';

/** The group of requests that they are read by. */
const GROUP = 'monitor';
/** As few as the sweep's, for the same reason. */
const BLOCK = 100;
const DEADLINE_MS = 60_000;

export interface DriftWatching {
  /** Counts requests that came since the last time, where it is this instance's turn, and holds what is over against what models were trained on. */
  watchDrift(): Promise<void>;
}

/** The watch over what models are asked. */
export function openDrift(
  settings: Settings,
  { clock, log, telemetry }: World & { readonly telemetry: Telemetry },
  lifetime: Lifetime,
): DriftWatching {
  const storage = modelStorageConnection(settings);
  const requests = openReader(eventHubsConnection(settings), settings.REQUESTS_HUB, [GROUP], BLOCK);
  lifetime.free(() => requests.close());
  const codecs = openCodecs(settings, clock);
  const models = createBlobs(storage, settings.MODELS_CONTAINER);
  const watch = createDriftWatch({
    requests,
    endings: [settings.RESULTS_HUB, settings.DEAD_LETTER_HUB],
    blobs: createBlobs(storage, settings.MONITOR_CONTAINER),
    models: createWatchedModels({ blobs: models, codecs, defaultModel: settings.DEFAULT_MODEL, log }),
    sample: settings.DRIFT_SAMPLE,
    clock,
    log,
  });
  return {
    async watchDrift() {
      const run = await watch.run(AbortSignal.timeout(DEADLINE_MS));
      telemetry.recordDrift(run);
      for (const { model, version, size, status, features, deadLetters } of run?.closed ?? []) {
        if (status !== 'alarm') continue;
        const names = features.filter(each => each.status === 'alarm').map(({ name }) => name);
        const codes = deadLetters.filter(({ alarm }) => alarm).map(({ code }) => `dead letters ${code}`);
        log.warn(`drift: ${model} ${version}, ${size}: ${[...names, ...codes].join(', ')}`);
      }
    },
  };
}
