import type { JobBlobs, JobStorage } from '../../core/job-storage.ts';
import type { Clock, Log } from '../../core/log.ts';
import type { WorkQueue } from '../../core/work-queue.ts';
import type { Job } from './job.ts';

/** Told of what happens to jobs, for metrics. */
export interface JobEvents {
  /** A job reached its end. */
  ended(job: Job): void;
  /** Once a job and state: it will not be done by its deadline, or was not. */
  sla(job: Job): void;
  chunk(job: Job, outcome: 'scored' | 'failed' | 'poison', seconds: number): void;
}

/** What everything that is done to jobs works with. */
export interface JobRoom {
  readonly storage: JobStorage;
  /** BATCH_CONTAINER: job documents, records, reports. */
  readonly blobs: JobBlobs;
  readonly queue: WorkQueue;
  /** BATCH_CHUNKS_IN_FLIGHT: messages of a job that lie in the queue at once, so that jobs share the instances. */
  readonly inFlight: number;
  /** BATCH_RETRY_SECONDS: before a chunk that failed is tried again; twice as long the next time, an hour at most. */
  readonly retrySeconds: number;
  /** MODELS_CONTAINER, which no job may write to. */
  readonly modelsContainer: string;
  readonly batchContainer: string;
  readonly events: JobEvents;
  readonly clock: Clock;
  readonly log: Log;
}
