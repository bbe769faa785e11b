import { createJobStorage } from '../azure/job-blobs.ts';
import { createWorkQueue } from '../azure/work-queue.ts';
import { createInspector, type FindModel } from '../batch/jobs/inspect.ts';
import type { JobEvents, JobRoom } from '../batch/jobs/room.ts';
import type { SubmitRoom } from '../batch/jobs/submit.ts';
import { createDecoder } from '../codecs/decoder.ts';
import { batchStorageConnection, hostQueuesConnection } from '../config/connection.ts';
import type { Settings } from '../config/settings.ts';
import type { Catalog } from '../core/catalog.ts';
import { ConfigurationError, RequestError } from '../core/errors.ts';
import { CHUNKS_QUEUE, type WorkQueue } from '../core/work-queue.ts';
import { createTableScorer } from '../scoring/table.ts';
import { openCodecs } from './open-codecs.ts';
import { countingBy } from './profile-beside.ts';
import { createProfiles } from './profiles.ts';
import type { World } from './world.ts';

/** What all that is done to jobs works with. @throws ConfigurationError where no account is named */
export function openJobRoom(settings: Settings, { clock, log }: World, events: JobEvents): JobRoom {
  const storage = createJobStorage(batchStorageConnection(settings));
  return {
    storage,
    blobs: storage(settings.BATCH_CONTAINER),
    queue: openQueue(settings),
    inFlight: settings.BATCH_CHUNKS_IN_FLIGHT,
    retrySeconds: settings.BATCH_RETRY_SECONDS,
    modelsContainer: settings.MODELS_CONTAINER,
    batchContainer: settings.BATCH_CONTAINER,
    events,
    clock,
    log,
  };
}

/** Where the host's storage is not named, jobs can still be written down: who tends them sends their messages. */
function openQueue(settings: Settings): WorkQueue {
  try {
    return createWorkQueue(hostQueuesConnection(settings), CHUNKS_QUEUE);
  } catch (thrown) {
    if (!(thrown instanceof ConfigurationError)) throw thrown;
    return { send: () => Promise.reject(thrown) };
  }
}

export function openSubmitRoom(room: JobRoom, findModel: FindModel): SubmitRoom {
  return { ...room, inspector: createInspector(room.storage, findModel, room.clock) };
}

/** The version that a model and a version or alias name, as the stream would take it; a stand-in is none. */
export function modelsOf(
  settings: Settings,
  catalog: Catalog,
  { clock, log }: Pick<World, 'clock' | 'log'>,
): FindModel {
  const codecs = openCodecs(settings, clock);
  const profileOf = createProfiles(settings, log);
  return async (model, asked) => {
    const routing = await catalog.routing(model, asked);
    const { version, fallback } = routing.route ?? routing.production;
    if (fallback || version.name !== model) {
      throw new RequestError('unknown_model', 'route', `${model} has no version ${asked} that serves`);
    }
    const decoder = createDecoder(codecs, { inputOf: () => version.card.input });
    const profile = await profileOf(version.name, version.label);
    return { scorer: countingBy(profile, createTableScorer(version, clock)), decoder };
  };
}
