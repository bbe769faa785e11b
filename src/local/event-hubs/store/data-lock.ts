import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigError } from '../config-error.ts';

/**
 * Keeps a second endpoint out of a data folder: two would write the same sequence numbers.
 * @returns what to call at the end. After a kill the lock is recognised as left behind.
 * @throws ConfigError where another process that lives has it.
 */
export function lockFolder(folder: string): () => void {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, 'lock');
  const holder = holderOf(path);
  if (holder !== undefined && holder !== process.pid && isEndpoint(holder))
    throw new ConfigError(
      `${folder} is in use by another Event Hubs endpoint (process ${holder}): end it, or set LOCAL_DATA_DIR to another folder`,
    );
  writeFileSync(path, String(process.pid));
  return () => rmSync(path, { force: true });
}

function holderOf(path: string): number | undefined {
  try {
    return Number(readFileSync(path, 'utf8')) || undefined;
  } catch {
    return undefined;
  }
}

/** A process id is soon given to another program, so where the system tells what it runs, that counts. */
function isEndpoint(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('event-hubs');
  } catch {
    return process.platform !== 'linux';
  }
}
