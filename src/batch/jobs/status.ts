import { BlobGone } from '../../core/blobs.ts';
import { BatchRefusal } from '../problems.ts';
import { ENDED, type Job, type JobState } from './job.ts';
import { listJobs, readJob } from './job-store.ts';
import { progressOf } from './progress.ts';
import { folderOf, listRecords } from './records.ts';
import { rejectsPath } from './rejects.ts';
import type { JobRoom } from './room.ts';

/** The steps as a nightly DAG has them. */
const STEPS: readonly { readonly name: string; readonly states: readonly JobState[] }[] = [
  { name: 'validate', states: ['validating', 'queued'] },
  { name: 'predict', states: ['running', 'committing'] },
  { name: 'report', states: ['reporting'] },
  { name: 'archive', states: ['archiving'] },
  { name: 'clean-up', states: [] },
];

export interface Step {
  readonly name: string;
  readonly state: 'waiting' | 'running' | 'done' | 'failed' | 'cancelled';
  readonly at?: string;
}

/** A job as outsiders see it. */
export type JobStatus = Omit<Job, 'classes' | 'header' | 'counting' | 'quotes' | 'repairs' | 'replaces' | 'input'> & {
  readonly steps: readonly Step[];
  readonly input: readonly { readonly path: string; readonly bytes: number; readonly output?: string | undefined }[];
};

/** How a job stands now: its progress by the records that there are. */
export async function statusOf(room: JobRoom, id: string, signal: AbortSignal): Promise<JobStatus> {
  const { job } = await readJob(room.blobs, id, signal);
  if (job.state !== 'running') return shown(job);
  if (folderOf(job) !== 'parts') return shown(job);
  const records = await listRecords(room.blobs, job, signal);
  // Finished since: its records may be gone.
  if (records.size === 0 && job.progress.chunks > 0) return shown((await readJob(room.blobs, id, signal)).job);
  return shown({ ...job, progress: progressOf(job, records, room.clock()) });
}

const MOST_LISTED = 100;

export async function listStatuses(room: JobRoom, signal: AbortSignal): Promise<readonly JobStatus[]> {
  const ids = await listJobs(room.blobs, signal);
  const jobs = await Promise.all(ids.slice(0, MOST_LISTED).map(id => readJob(room.blobs, id, signal)));
  return jobs.map(({ job }) => shown(job));
}

export function shown(job: Job): JobStatus {
  const {
    classes: _,
    counting: _counting,
    quotes: _quotes,
    header: __,
    repairs: ___,
    replaces: ____,
    input,
    ...rest
  } = job;
  return {
    ...rest,
    input: input.map(({ path, bytes, output }) => ({ path, bytes, ...(output !== undefined && { output }) })),
    steps: stepsOf(job),
  };
}

export function stepsOf({ state, history }: Pick<Job, 'state' | 'history'>): readonly Step[] {
  // Where it stood when it was ended.
  const now = history.findLast(({ state: each }) => each !== 'failed' && !each.startsWith('cancel'))?.state;
  const current = STEPS.findIndex(({ states }) => now !== undefined && states.includes(now));
  return STEPS.map(({ name, states }, place) => {
    const at = history.findLast(each => states.includes(each.state))?.at;
    const when = at === undefined ? {} : { at };
    if (state === 'succeeded') return { name, state: 'done', ...when };
    if (place < current) return { name, state: 'done', ...when };
    if (place > current) return { name, state: 'waiting' };
    if (state === 'failed') return { name, state: 'failed', ...when };
    return { name, state: state.startsWith('cancel') ? 'cancelled' : 'running', ...when };
  });
}

/** The report of a job. @throws BatchRefusal where it has none yet */
export async function reportOf(room: JobRoom, id: string, name: string, signal: AbortSignal): Promise<string> {
  const { job } = await readJob(room.blobs, id, signal);
  try {
    return (await room.blobs.readText(`jobs/${id}/${name}`, signal)).text;
  } catch (thrown) {
    if (!(thrown instanceof BlobGone)) throw thrown;
    const why = ENDED.has(job.state)
      ? `it is ${job.state}`
      : `it is ${job.state}: the report comes once the output stands`;
    throw new BatchRefusal(`job ${id} has no report: ${why}`, { cause: thrown });
  }
}

/** `rejects.csv` as it is. @throws BatchRefusal where there is none */
export async function rejectsOf(room: JobRoom, id: string, signal: AbortSignal): Promise<string> {
  const { job } = await readJob(room.blobs, id, signal);
  try {
    return (await room.blobs.readText(rejectsPath(id), signal, Number.MAX_SAFE_INTEGER)).text;
  } catch (thrown) {
    if (!(thrown instanceof BlobGone)) throw thrown;
    throw new BatchRefusal(`job ${id} has no list of rejects: it is ${job.state}`, { cause: thrown });
  }
}
