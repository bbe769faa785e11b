import type { JobBlobs } from '../../core/job-storage.ts';

/*
 * Jobs under way stand in a list of their own, a blob each, so that who tends them reads those and not all that ever were. A blob too many is harmless; one too few would
 * leave a job to its messages alone, so it is written before the job and taken away after its end.
 */

const PREFIX = 'active/';

export async function markActive(blobs: JobBlobs, id: string, signal: AbortSignal): Promise<void> {
  await blobs.writeText(`${PREFIX}${id}`, '{}', 'any', signal);
}

export async function markEnded(blobs: JobBlobs, id: string, signal: AbortSignal): Promise<void> {
  await blobs.remove(`${PREFIX}${id}`, signal);
}

export async function listActive(
  blobs: JobBlobs,
  signal: AbortSignal,
): Promise<readonly { readonly id: string; readonly sinceMs: number }[]> {
  const listed = await blobs.describe(PREFIX, signal);
  return listed.map(({ path, modifiedMs }) => ({ id: path.slice(PREFIX.length), sinceMs: modifiedMs }));
}
