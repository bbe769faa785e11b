import { createHash } from 'node:crypto';
import { z } from 'zod';
import { BlobConflict, BlobGone } from '../../core/blobs.ts';
import type { JobBlobs } from '../../core/job-storage.ts';
import { BatchRefusal } from '../problems.ts';
import { ENDED, type Job, jobSchema } from './job.ts';
import { outputsOf } from './outputs.ts';

export interface StoredJob {
  readonly job: Job;
  readonly etag: string;
}

/** There is no such job. */
export class NoJob extends Error {
  override readonly name = 'NoJob';
  readonly retryable = false;
}

export const JOB_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

const jobPath = (id: string) => `jobs/${id}/job.json`;
const CHANGES = 20;

/** @throws NoJob */
export async function readJob(blobs: JobBlobs, id: string, signal: AbortSignal): Promise<StoredJob> {
  if (!JOB_ID.test(id)) throw new NoJob(`${JSON.stringify(id.slice(0, 128))} is no name of a job`);
  try {
    const { text, etag } = await blobs.readText(jobPath(id), signal);
    return { job: jobSchema.parse(JSON.parse(text)), etag };
  } catch (thrown) {
    if (thrown instanceof BlobGone) throw new NoJob(`there is no job ${id}`, { cause: thrown });
    throw thrown;
  }
}

/** Newest first. @param prefix of their ids */
export async function listJobs(blobs: JobBlobs, signal: AbortSignal, prefix = ''): Promise<readonly string[]> {
  const listed = await blobs.describe(`jobs/${prefix}`, signal);
  return listed
    .filter(({ path }) => path.endsWith('/job.json') && path.split('/').length === 3)
    .sort((a, b) => b.modifiedMs - a.modifiedMs)
    .map(({ path }) => path.split('/')[1] as string);
}

/** @returns false where there is one with this id already */
export async function createJob(blobs: JobBlobs, job: Job, signal: AbortSignal): Promise<boolean> {
  try {
    await blobs.writeText(jobPath(job.id), JSON.stringify(job), 'absent', signal);
    return true;
  } catch (thrown) {
    if (thrown instanceof BlobConflict) return false;
    throw thrown;
  }
}

/**
 * Changes a job under its ETag, anew where somebody else changed it meanwhile.
 * @param change gives undefined where there is nothing to change any more
 * @returns what it is now, and whether this call changed it
 */
export async function changeJob(
  blobs: JobBlobs,
  id: string,
  signal: AbortSignal,
  change: (job: Job) => Job | undefined,
): Promise<{ readonly job: Job; readonly changed: boolean }> {
  for (let tries = 0; ; tries++) {
    const { job, etag } = await readJob(blobs, id, signal);
    const next = change(job);
    if (!next) return { job, changed: false };
    try {
      await blobs.writeText(jobPath(id), JSON.stringify(next), { etag }, signal);
      return { job: next, changed: true };
    } catch (thrown) {
      if (!(thrown instanceof BlobConflict) || tries >= CHANGES) throw thrown;
    }
  }
}

const claimSchema = z.object({ job: z.string(), output: z.string(), at: z.string() });
/** A claim whose job has not come by then was left behind by a submitter that died. */
const CLAIM_ALONE_MS = 60_000;

/**
 * Takes the outputs of a job for it: a commit deletes blocks that it does not name, so one job works at an output. That of a job which failed or was cancelled may be taken over.
 * @throws BatchRefusal that names the job that has it
 */
export async function claimOutputs(blobs: JobBlobs, job: Job, nowMs: number, signal: AbortSignal): Promise<void> {
  for (const { place } of outputsOf(job)) await claimOutput(blobs, job.id, place, nowMs, signal);
}

async function claimOutput(
  blobs: JobBlobs,
  id: string,
  output: string,
  nowMs: number,
  signal: AbortSignal,
): Promise<void> {
  const path = `jobs/outputs/${createHash('sha256').update(output).digest('hex').slice(0, 32)}.json`;
  const claim = JSON.stringify({ job: id, output, at: new Date(nowMs).toISOString() });
  for (let tries = 0; ; tries++) {
    try {
      await blobs.writeText(path, claim, 'absent', signal);
      return;
    } catch (thrown) {
      if (!(thrown instanceof BlobConflict)) throw thrown;
    }
    const { text, etag } = await blobs.readText(path, signal);
    const held = claimSchema.parse(JSON.parse(text));
    if (held.job === id) return;
    const holder = await readJob(blobs, held.job, signal).catch(thrown => {
      if (thrown instanceof NoJob) return undefined;
      throw thrown;
    });
    const free = holder ? ENDED.has(holder.job.state) : Date.parse(held.at) + CLAIM_ALONE_MS < nowMs;
    if (!free || tries >= CHANGES) {
      throw new BatchRefusal(
        `output ${output} is being written by job ${held.job}${holder ? `, which is ${holder.job.state}` : ''}: cancel that, or name another output`,
      );
    }
    try {
      await blobs.writeText(path, claim, { etag }, signal);
      return;
    } catch (thrown) {
      if (!(thrown instanceof BlobConflict)) throw thrown;
    }
  }
}
