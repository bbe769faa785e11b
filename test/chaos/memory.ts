import { readdirSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import type { Stack } from './stack.ts';

const LOOK_EVERY_MS = 100;
const PAGE_BYTES = 4096;

/** The most that was held at once, bytes, and by which processes. */
export interface Peak {
  readonly bytes: number;
  /** Megabytes by the file that each runs. */
  readonly held: readonly string[];
}

/** Watches what the hosts and all their processes hold: resident pages, those that they share counted for each. */
export function watchMemory(stack: Pick<Stack, 'groups'>): { stop(): Peak } {
  let peak: Peak = { bytes: 0, held: [] };
  const timer = setInterval(() => {
    const now = residentNow(new Set(stack.groups));
    if (now.bytes > peak.bytes) peak = now;
  }, LOOK_EVERY_MS);
  return {
    stop() {
      clearInterval(timer);
      return peak;
    },
  };
}

/** Of the processes of these groups; nothing where the system has no /proc. */
function residentNow(groups: ReadonlySet<number>): Peak {
  let bytes = 0;
  const held: string[] = [];
  for (const pid of pidsHere()) {
    try {
      // After the name in brackets: state, parent, group.
      const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
      if (!groups.has(Number(fields[2]))) continue;
      const own = Number(fields[21]) * PAGE_BYTES;
      bytes += own;
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
      held.push(`${basename(command[1] ?? '')} ${Math.round(own / 2 ** 20)}`);
    } catch {
      // it ended meanwhile
    }
  }
  return { bytes, held };
}

function pidsHere(): string[] {
  try {
    return readdirSync('/proc').filter(name => /^\d+$/.test(name));
  } catch {
    return [];
  }
}
