import { asError } from '../../core/errors.ts';
import { listActive, markEnded } from './active.ts';
import { endCancelling, sendMissing, startJob } from './control.ts';
import { type FinishRoom, finishIfDone, sayFailure } from './finish.ts';
import { ENDED, type Job, type Progress } from './job.ts';
import { changeJob, NoJob, readJob } from './job-store.ts';
import { progressOf } from './progress.ts';
import { folderOf, listRecords } from './records.ts';
import { UNPACKED } from './unpack-inputs.ts';

/** A submitter that is still at it is left alone for so long. */
const SUBMIT_MS = 20_000;
/** A finisher likewise. */
const FINISH_MS = 60_000;
/** Without a new record for so long, and none due, messages were lost: those of missing chunks are sent again. */
const STALLED_MS = 120_000;

const WORSE: readonly Progress['sla'][] = ['on_track', 'at_risk', 'missed'];

const DAY_MS = 24 * 3600 * 1000;

/** Looks after all jobs under way: what was lost with whoever had it, progress, and whether they will be done in time. One that fails does not hold up the others. */
export async function tendJobs(room: FinishRoom, keepDays: number, signal: AbortSignal): Promise<void> {
  for (const { id, sinceMs } of await listActive(room.blobs, signal)) {
    signal.throwIfAborted();
    try {
      await tendJob(room, id, sinceMs, signal);
    } catch (thrown) {
      if (signal.aborted) throw thrown;
      sayFailure(room, id, thrown);
    }
  }
  // Once an hour: it lists all that is kept of jobs.
  if (new Date(room.clock()).getUTCMinutes() === 0) await forget(room, keepDays, signal);
}

/** What may hold personal data does not outlive its days: lists of rejects, and the parts of jobs that nobody retried. */
async function forget(room: FinishRoom, keepDays: number, signal: AbortSignal): Promise<void> {
  const active = new Set((await listActive(room.blobs, signal)).map(({ id }) => id));
  const before = room.clock() - keepDays * DAY_MS;
  for (const { path, modifiedMs } of await room.blobs.describe('jobs/', signal)) {
    const [, id = '', ...rest] = path.split('/');
    const personal =
      rest[0] === 'rejects.csv' ||
      ['parts', 'counts', 'quotes', 'attempts', 'rejects', UNPACKED].includes(rest[0] ?? '');
    if (personal && modifiedMs < before && !active.has(id)) await room.blobs.remove(path, signal);
  }
}

async function tendJob(room: FinishRoom, id: string, sinceMs: number, signal: AbortSignal): Promise<void> {
  const nowMs = room.clock();
  let job: Job;
  try {
    ({ job } = await readJob(room.blobs, id, signal));
  } catch (thrown) {
    // It was announced and never came: its submitter died between the two.
    if (thrown instanceof NoJob && nowMs - sinceMs > FINISH_MS) return markEnded(room.blobs, id, signal);
    if (thrown instanceof NoJob) return;
    throw asError(thrown);
  }
  if (ENDED.has(job.state)) return markEnded(room.blobs, id, signal);
  const idleMs = nowMs - Date.parse(job.history.at(-1)?.at ?? job.timestamp);
  if (job.state === 'queued') {
    if (idleMs > SUBMIT_MS) await startJob(room, id, signal);
    return;
  }
  if (job.state === 'cancelling') {
    await endCancelling(room, id, signal);
    return;
  }
  if (job.state !== 'running') {
    if (idleMs > FINISH_MS) await finishIfDone(room, id, signal);
    return;
  }
  await tendRunning(room, job, signal);
}

async function tendRunning(room: FinishRoom, job: Job, signal: AbortSignal): Promise<void> {
  const nowMs = room.clock();
  const records = await listRecords(room.blobs, job, signal);
  const progress = progressOf(job, folderOf(job) === 'parts' ? records : new Map(), nowMs);
  const { job: now, changed } = await changeJob(room.blobs, job.id, signal, held =>
    held.state === 'running' ? { ...held, progress } : undefined,
  );
  if (!changed) return;
  // Once each: whoever wrote the worse one tells of it.
  if (WORSE.indexOf(progress.sla) > WORSE.indexOf(job.progress.sla)) {
    room.log.warn(`job ${job.id} is ${progress.sla}: due ${job.deadline}, expected ${progress.eta ?? 'unknown'}`);
    room.events.sla(now);
  }
  if (records.size === job.chunks && (await finishIfDone(room, job.id, signal))) return;
  const begunMs = Date.parse(job.history.findLast(({ state }) => state === 'running')?.at ?? job.timestamp);
  const movedMs = Math.max(begunMs, ...[...records.values()].map(({ writtenMs }) => writtenMs));
  if (nowMs - movedMs < STALLED_MS || (await isRetryDue(room, job, signal))) return;
  const sent = await sendMissing(room, job, signal);
  room.log.warn(`job ${job.id} stands still: messages of ${sent} chunks are sent again`);
}

/** A chunk that failed lies in the queue until its next try. */
async function isRetryDue(room: FinishRoom, job: Job, signal: AbortSignal): Promise<boolean> {
  const attempts = await room.blobs.describe(`jobs/${job.id}/attempts/`, signal);
  const waitMs = room.retrySeconds * 4 * 1000;
  return attempts.some(({ modifiedMs }) => room.clock() - modifiedMs < waitMs);
}
