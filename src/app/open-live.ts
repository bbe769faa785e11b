import { createBlobs } from '../azure/blobs.ts';
import { eventHubsConnection, modelStorageConnection } from '../config/connection.ts';
import type { Settings } from '../config/settings.ts';
import type { Catalog } from '../core/catalog.ts';
import { ConfigurationError } from '../core/errors.ts';
import type { JobService } from '../core/job-service.ts';
import { readDrift } from '../drift/read-drift.ts';
import { type Assets, readAssets } from '../live/assets.ts';
import { createLastDay } from '../live/last-day.ts';
import { createLiveApi, type LiveApi } from '../live/live-api.ts';
import { createLiveData } from '../live/live-data.ts';
import { readLastRecord } from '../rollouts/audit-log.ts';
import { readJoined } from '../sweep/labels/label-join.ts';
import { readStates } from '../sweep/read-counts.ts';
import { lastTurnAt, SWEEP_TURN } from '../sweep/turn.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import { createDeploymentDocuments } from './deployment-documents.ts';
import { openReader } from './open-events.ts';
import type { Sweeping } from './open-sweep.ts';
import type { Lifetime } from './parts.ts';
import type { World } from './world.ts';

const GROUP = 'monitor';

interface Parts {
  readonly telemetry: Telemetry;
  readonly catalog: Catalog;
  readonly sweeping: Sweeping;
  readonly jobs: () => Promise<JobService>;
}

/** The live page over what the sweep left in storage, which is the same whichever instance answers. */
export function openLive(
  settings: Settings,
  { telemetry, catalog, sweeping, jobs, clock, log }: World & Parts,
  lifetime: Lifetime,
): LiveApi {
  const { REQUESTS_HUB, RESULTS_HUB, DEAD_LETTER_HUB } = settings;
  const requests = openReader(eventHubsConnection(settings), REQUESTS_HUB, [GROUP]);
  lifetime.free(() => requests.close());
  const storage = modelStorageConnection(settings);
  const monitor = createBlobs(storage, settings.MONITOR_CONTAINER);
  const audit = createBlobs(storage, settings.AUDIT_CONTAINER);
  const documents = createDeploymentDocuments(createBlobs(storage, settings.MODELS_CONTAINER), log);
  const data = createLiveData({
    hubs: { requests: REQUESTS_HUB, results: RESULTS_HUB, deadLetters: DEAD_LETTER_HUB },
    sweep: sweeping.sweep,
    sweptAt: signal => lastTurnAt(monitor, SWEEP_TURN, signal),
    states: signal => readStates(monitor, [RESULTS_HUB, DEAD_LETTER_HUB], signal),
    lastDay: createLastDay(monitor),
    labels: signal => readJoined(monitor, signal),
    requests,
    documents: documents.read,
    lastChange: (model, signal) => readLastRecord(audit, model, signal),
    models: () => catalog.list(),
    jobs: signal => listJobs(jobs, signal),
    drift: signal => readDrift(monitor, signal),
    breakers: telemetry.breakers,
    clock,
  });
  let read: Assets | undefined;
  const assets = () => {
    read ??= readAssets();
    return read;
  };
  return createLiveApi({ data, assets, catalog, recordHttp: telemetry.recordHttp, clock, log });
}

/** Where no storage for jobs is named there are none. */
async function listJobs(open: () => Promise<JobService>, signal: AbortSignal) {
  try {
    return await (await open()).list(signal);
  } catch (thrown) {
    if (thrown instanceof ConfigurationError) return [];
    throw thrown;
  }
}
