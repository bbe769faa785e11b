import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';

/**
 * An owner's id: unique, and telling which process it is, so that hosts on the same machine see at once that an owner is
 * dead, where others have to wait until its ownership expires.
 */
export function createOwnerId(): string {
  return `${randomUUID()}@${hostname()}:${process.pid}:${startTime(process.pid) ?? ''}`;
}

/** True where the owner ran on this machine and does not any more. */
export function isDeadOwner(ownerId: string): boolean {
  const match = /@(.+):(\d+):(\d*)$/.exec(ownerId);
  if (!match) return false;
  const [, machine, pidText, started] = match;
  if (machine !== hostname()) return false;
  const pid = Number(pidText);
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
  const startedNow = startTime(pid);
  return Boolean(started) && startedNow !== undefined && startedNow !== started; // the id was given to another process
}

/** When a process started, in ticks since boot; undefined where the system does not tell (other than Linux). */
function startTime(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? 'zombie' : fields[19];
  } catch {
    return undefined;
  }
}
