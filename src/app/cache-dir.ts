import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Settings } from '../config/settings.ts';

/** Where on this machine's disk lies what outlives the process. */
export function cacheDirOf({ MODEL_CACHE_DIR, LOCAL_DATA_DIR }: Settings): string {
  return MODEL_CACHE_DIR ?? join(LOCAL_DATA_DIR ?? tmpdir(), 'hubscore-models');
}
