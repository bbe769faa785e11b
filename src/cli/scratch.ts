import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Settings } from '../config/settings.ts';

/** Where temporary folders are made: under LOCAL_DATA_DIR, else where the system has its own. */
export function scratchRoot({ LOCAL_DATA_DIR }: Pick<Settings, 'LOCAL_DATA_DIR'>): string {
  return LOCAL_DATA_DIR === undefined ? tmpdir() : resolve(LOCAL_DATA_DIR, 'tmp');
}

/** A folder of its own for as long as `work` takes. */
export async function withScratch<T>(
  settings: Pick<Settings, 'LOCAL_DATA_DIR'>,
  purpose: string,
  work: (folder: string) => Promise<T>,
): Promise<T> {
  const root = scratchRoot(settings);
  await mkdir(root, { recursive: true });
  const folder = await mkdtemp(join(root, `hubscore-${purpose}-`));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
