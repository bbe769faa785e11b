import { createJobService } from '../batch/jobs/job-service.ts';
import { createReports } from '../batch/jobs/reports.ts';
import { submitScheduled } from '../batch/jobs/schedule.ts';
import { tendJobs } from '../batch/jobs/tend.ts';
import { failPoisoned, type WorkRoom, workOn } from '../batch/jobs/work.ts';
import type { Settings } from '../config/settings.ts';
import type { Catalog } from '../core/catalog.ts';
import type { JobService } from '../core/job-service.ts';
import { judgeTable } from '../drift/judge-table.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import { createBatchWorker } from './batch-worker.ts';
import { createJobEvents } from './job-events.ts';
import { modelsOf, openJobRoom, openSubmitRoom } from './open-jobs.ts';
import type { Lifetime } from './parts.ts';
import { createProfiles } from './profiles.ts';
import type { World } from './world.ts';

const MIB = 1024 * 1024;
/** For a chunk's bytes, its output and what the engine holds. */
const CHUNK_MIB = 512;

/** What functions do to batch jobs. */
export interface Batch {
  /** A message of the queue of chunks. Returns once it may go; throws only where storage is away. */
  scoreChunk(message: unknown): Promise<void>;
  failPoisoned(message: unknown): Promise<void>;
  tend(): Promise<void>;
}

export function openBatch(
  settings: Settings,
  environment: Readonly<Record<string, string | undefined>>,
  { telemetry, clock, log }: World & { readonly telemetry: Telemetry },
  lifetime: Lifetime,
): Batch {
  let stopping = false;
  const stop = new AbortController();
  const scorer = createBatchWorker({
    environment,
    timeMs: settings.BATCH_CHUNK_TIMEOUT_SECONDS * 1000,
    growBytes: (settings.MODEL_MEMORY_MB + CHUNK_MIB) * MIB,
    log,
  });
  lifetime.finish(async () => {
    stopping = true;
  });
  lifetime.free(async () => {
    stop.abort(new Error('the app ends'));
    await scorer.close();
  });
  const events = createJobEvents({ telemetry, webhook: settings.BATCH_WEBHOOK, log });
  const profileOf = createProfiles(settings, log);
  const room: WorkRoom = {
    ...openJobRoom(settings, { clock, log }, events),
    scorer,
    reports: createReports(async ({ model, model_version }, counts, classes) => {
      const profile = await profileOf(model, model_version);
      return profile && judgeTable(profile, counts, classes);
    }),
    stopping: () => stopping,
  };
  return {
    scoreChunk: message => workOn(room, message, stop.signal),
    failPoisoned: message => failPoisoned(room, message, stop.signal),
    tend: () => tendJobs(room, settings.BATCH_KEEP_DAYS, stop.signal),
  };
}

/** What HTTP does to them, and the schedule. */
export function openJobService(
  settings: Settings,
  { catalog, telemetry, clock, log }: World & { readonly catalog: Catalog; readonly telemetry: Telemetry },
): { readonly jobs: JobService; submitScheduled(lastMs: number): Promise<void> } {
  const events = createJobEvents({ telemetry, webhook: settings.BATCH_WEBHOOK, log });
  const room = openSubmitRoom(
    openJobRoom(settings, { clock, log }, events),
    modelsOf(settings, catalog, { clock, log }),
  );
  const jobs = createJobService(room);
  const { BATCH_SCHEDULE, BATCH_TIME_ZONE: zone, BATCH_DEADLINE_SECONDS } = settings;
  return {
    jobs,
    async submitScheduled(lastMs) {
      if (BATCH_SCHEDULE === undefined) return;
      const signal = AbortSignal.timeout(BATCH_DEADLINE_SECONDS * 1000);
      await submitScheduled(room, jobs, { schedule: BATCH_SCHEDULE, zone }, lastMs, signal);
    },
  };
}
