import { BatchRefusal } from '../problems.ts';
import { markActive, markEnded } from './active.ts';
import { ENDED, inState, type Job } from './job.ts';
import { changeJob, claimOutputs, readJob } from './job-store.ts';
import { listRecords } from './records.ts';
import type { JobRoom } from './room.ts';

/** States that a job can be cancelled in: from `committing` on its output is about to stand. */
const CANCELLABLE = new Set(['queued', 'validating', 'running', 'cancelling']);

/** Sends a job's first messages: as many as may lie in the queue at once. Whoever has done a chunk sends the one that many further on. */
export async function sendFirst(room: JobRoom, job: Job, signal: AbortSignal): Promise<void> {
  const count = Math.min(job.chunks, room.inFlight);
  for (let chunk = 0; chunk < count; chunk++) await room.queue.send({ job: job.id, chunk, generation: 0 }, signal);
}

/** Puts a job that lies there to work; harmless where somebody else does the same. */
export async function startJob(room: JobRoom, id: string, signal: AbortSignal): Promise<Job> {
  const { job } = await readJob(room.blobs, id, signal);
  if (job.state !== 'queued') return job;
  await sendFirst(room, job, signal);
  const { job: started } = await changeJob(room.blobs, id, signal, held =>
    held.state === 'queued' ? inState(held, 'running', room.clock()) : undefined,
  );
  return started;
}

/** Ends a job, in failure. Chunks that are still under way find it so and leave off. */
export async function failJob(
  room: JobRoom,
  id: string,
  error: NonNullable<Job['error']>,
  signal: AbortSignal,
): Promise<void> {
  const { job, changed } = await changeJob(room.blobs, id, signal, held =>
    ENDED.has(held.state) || held.state === 'cancelling'
      ? undefined
      : inState(held, 'failed', room.clock(), { error, repairs: [] }),
  );
  if (!changed) return;
  room.log.error(`job ${id} failed: ${error.message}`);
  room.events.ended(job);
  await markEnded(room.blobs, id, signal);
}

/** @throws BatchRefusal where its output stands already, or is about to */
export async function cancelJob(room: JobRoom, id: string, signal: AbortSignal): Promise<Job> {
  const { job: asked } = await changeJob(room.blobs, id, signal, held => {
    if (held.state === 'cancelled' || held.state === 'cancelling') return undefined;
    if (!CANCELLABLE.has(held.state)) throw new BatchRefusal(`job ${id} is ${held.state}: it cannot be cancelled`);
    return inState(held, 'cancelling', room.clock());
  });
  if (asked.state === 'cancelled') return asked;
  return endCancelling(room, id, signal);
}

/** What is staged stays where nobody sees it, for a retry. */
export async function endCancelling(room: JobRoom, id: string, signal: AbortSignal): Promise<Job> {
  const { job, changed } = await changeJob(room.blobs, id, signal, held =>
    held.state === 'cancelling' ? inState(held, 'cancelled', room.clock(), { repairs: [] }) : undefined,
  );
  if (changed) {
    room.log.info(`job ${id} is cancelled`);
    room.events.ended(job);
  }
  await markEnded(room.blobs, id, signal);
  return job;
}

/**
 * Does a failed or cancelled job's missing chunks; those that have a record are not done again.
 * @throws BatchRefusal where it is neither, or another job has its output by now
 */
export async function retryJob(room: JobRoom, id: string, signal: AbortSignal): Promise<Job> {
  const { job: before } = await readJob(room.blobs, id, signal);
  const refuse = (job: Job) => {
    if (job.state === 'failed' || job.state === 'cancelled') return;
    throw new BatchRefusal(`job ${id} is ${job.state}: only a job that failed or was cancelled can be retried`);
  };
  refuse(before);
  await claimOutputs(room.blobs, before, room.clock(), signal);
  await markActive(room.blobs, id, signal);
  const nowMs = room.clock();
  const { job } = await changeJob(room.blobs, id, signal, held => {
    refuse(held);
    const deadline = new Date(nowMs + held.sla_seconds * 1000).toISOString();
    const progress = { ...held.progress, sla: 'on_track' as const, eta: null };
    return inState(held, 'running', nowMs, { attempt: held.attempt + 1, error: null, deadline, progress });
  });
  room.log.info(`job ${id}: attempt ${job.attempt}`);
  await sendMissing(room, job, signal);
  return job;
}

/** Messages for chunks without a record, and for those that are to be done again, as many as may lie in the queue. */
export async function sendMissing(room: JobRoom, job: Job, signal: AbortSignal): Promise<number> {
  const records = await listRecords(room.blobs, job, signal);
  const missing = [];
  for (let chunk = 0; chunk < job.chunks && missing.length < room.inFlight; chunk++) {
    if (!records.has(chunk)) missing.push({ job: job.id, chunk, generation: 0 });
  }
  for (const { chunk, generation, start } of job.repairs) {
    if ((records.get(chunk)?.generation ?? -1) < generation) missing.push({ job: job.id, chunk, generation, start });
  }
  // Where nothing is missing, whoever does the last chunk again finds that out, and finishes.
  if (missing.length === 0) missing.push({ job: job.id, chunk: job.chunks - 1, generation: 0 });
  for (const message of missing.slice(0, room.inFlight)) await room.queue.send(message, signal);
  return missing.length;
}
