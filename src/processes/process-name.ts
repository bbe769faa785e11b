import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';

/** A process as a file's name can say it: its machine, its id, and when it started, since ids come again (the first process of a container always has the same). */
export interface ProcessName {
  readonly machine: string;
  readonly pid: number;
  /** Ticks since boot; 0 where the system does not tell (other than Linux). */
  readonly started: string;
}

export function thisProcess(): ProcessName {
  const machine = createHash('sha256').update(hostname()).digest('hex').slice(0, 8);
  return { machine, pid: process.pid, started: startOf(process.pid) ?? '0' };
}

export function textOf({ machine, pid, started }: ProcessName): string {
  return `${machine}-${pid}-${started}`;
}

/** Undefined where the text begins otherwise than `textOf` writes. */
export function parseProcessName(text: string): ProcessName | undefined {
  const [, machine = '', pid, started = ''] = /^([0-9a-f]{8})-(\d+)-(\d+)(?!\d)/.exec(text) ?? [];
  return pid === undefined ? undefined : { machine, pid: Number(pid), started };
}

/** Whether a process of this machine runs no more. */
export function isDead({ pid, started }: ProcessName): boolean {
  try {
    process.kill(pid, 0);
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code === 'ESRCH';
  }
  const now = startOf(pid);
  return now !== undefined && now !== started;
}

/** Field 22 of proc(5)'s stat; of a process that has ended and is not yet reaped, a word. */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' || fields[0] === 'X' ? 'ended' : fields[19];
  } catch {
    return undefined;
  }
}
