import { randomUUID } from 'node:crypto';
import { createBlobs } from '../azure/blobs.ts';
import { eventHubsConnection, modelStorageConnection } from '../config/connection.ts';
import type { Settings } from '../config/settings.ts';
import { createSweep, type SweepReport } from '../sweep/sweep.ts';
import { createDeploymentDocuments, weightsOf } from './deployment-documents.ts';
import { openReader } from './open-events.ts';
import type { Lifetime } from './parts.ts';
import type { World } from './world.ts';

/** The group of results, dead letters and labels that the sweep reads by. */
const GROUP = 'monitor';
const BLOCK = 1_000;
const DAY_MS = 86_400_000;
/** Longer than a sweep means to take. */
const DEADLINE_MS = 60_000;

export interface Sweeping {
  /** Counts what came since the last time; undefined where it is somebody else's turn. */
  sweep(): Promise<SweepReport | undefined>;
}

/** The sweep over results, dead letters and labels. */
export function openSweep(settings: Settings, { clock, log }: World, lifetime: Lifetime): Sweeping {
  const connection = eventHubsConnection(settings);
  const storage = modelStorageConnection(settings);
  const reader = (hub: string) => openReader(connection, hub, [GROUP], BLOCK);
  const hubs = {
    results: reader(settings.RESULTS_HUB),
    deadLetters: reader(settings.DEAD_LETTER_HUB),
    labels: reader(settings.LABELS_HUB),
  };
  lifetime.free(() => Promise.allSettled(Object.values(hubs).map(hub => hub.close())));
  const documents = createDeploymentDocuments(createBlobs(storage, settings.MODELS_CONTAINER), log);
  const sweep = createSweep({
    hubs,
    blobs: createBlobs(storage, settings.MONITOR_CONTAINER),
    weights: async signal => weightsOf(await documents.read(signal)),
    holder: randomUUID(),
    labelWindowMs: settings.LABEL_WINDOW_DAYS * DAY_MS,
    clock,
    log,
  });
  return { sweep: () => sweep.run(AbortSignal.timeout(DEADLINE_MS)) };
}
