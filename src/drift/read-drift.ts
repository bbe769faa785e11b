import type { Blobs } from '../core/blobs.ts';
import { readJudged } from './judged.ts';
import type { DriftReport } from './report.ts';
import { latestOf } from './watch.ts';

/**
 * The newest window of every version and size (1h, 24h) that was held against a reference, with how each feature stands: one blob is read.
 * @param blobs the container of what the app keeps for itself @returns none where nothing was judged yet @throws NewerState
 */
export async function readDrift(blobs: Blobs, signal: AbortSignal): Promise<readonly DriftReport[]> {
  const there = await readJudged(blobs, signal);
  return there === undefined ? [] : latestOf(there.judged);
}
