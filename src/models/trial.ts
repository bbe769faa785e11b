import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { asError } from '../core/errors.ts';
import type { Loader } from '../core/loader.ts';
import { isDiskFailure } from './disk-room.ts';
import { linkInto } from './files.ts';
import {
  type GatheredVersion,
  gatherVersion,
  openVersion,
  type VersionId,
  type VersionOnDisk,
} from './open-version.ts';
import { passed, refused, type Verdict } from './verdict.ts';

/** A version to be tried, in words that a process can be sent. */
export interface TrialJob extends VersionId {
  readonly titles: VersionOnDisk['titles'];
  readonly path: string;
  /** Of all its files. */
  readonly bytes: number;
  /** SHA-256 of the files beside it by name. */
  readonly beside: Readonly<Record<string, string>>;
  /** A folder for what is made of the file. */
  readonly folder: string;
  /** It was refused before: others come first. */
  readonly again: boolean;
}

/**
 * Tries a version in a process of its own, with limits of time and memory.
 * @throws what the signal was aborted with; InfrastructureError where no process is to be had, or the disk fails.
 */
export type Trial = (job: TrialJob, signal: AbortSignal) => Promise<Verdict>;

/** Has a version tried. */
export async function tryApart(
  trial: Trial,
  version: GatheredVersion,
  signal: AbortSignal,
  again = false,
): Promise<Verdict> {
  const { name, raw, sha256, titles, gathered } = version;
  const { path, bytes } = gathered.file;
  const folder = await mkdtemp(join(tmpdir(), 'hubscore-trial-'));
  try {
    const job = {
      name,
      version: version.version,
      raw,
      sha256,
      titles,
      path,
      bytes,
      beside: gathered.beside,
      folder,
      again,
    };
    return await trial(job, signal);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * The trial itself, in the process that it has for itself: the version is opened as it will be to serve, and what that took is measured.
 * @param collectGarbage what this process no longer needs is not the model's
 * @throws Error where the disk fails
 */
export async function tryHere(
  job: TrialJob,
  loaders: readonly Loader[],
  collectGarbage: () => Promise<void>,
): Promise<Verdict> {
  const rss = async () => {
    await collectGarbage();
    return process.memoryUsage.rss();
  };
  const before = await rss();
  try {
    const { version } = await openVersion(await gatherVersion(sourceOf(job), loaders));
    const memoryBytes = Math.max(job.bytes, (await rss()) - before);
    const peakBytes = Math.max(memoryBytes, process.resourceUsage().maxRSS * 1024 - before);
    const { warmUpMs, maxBatchSize, apart = false, varies = false } = version.backend.info;
    await version.backend.close();
    return passed({ memoryBytes, peakBytes, warmUpMs, maxBatchSize, apart, varies });
  } catch (thrown) {
    if (isDiskFailure(thrown)) throw thrown;
    return refused(asError(thrown).message);
  }
}

function sourceOf(job: TrialJob): VersionOnDisk {
  const { name, version, raw, sha256, titles, path, bytes, beside, folder } = job;
  const derive = async (suffix: string, content: Uint8Array) => {
    for (const besides of Object.keys(beside)) await linkInto(folder, besides, join(dirname(path), besides));
    const derived = join(folder, `model.${suffix}.onnx`);
    await writeFile(derived, content);
    return derived;
  };
  const file = { path, bytes, derive };
  return {
    name,
    version,
    raw,
    sha256,
    titles,
    file: { ...file, has: async name => name in beside, gather: async () => ({ file, beside }) },
  };
}
