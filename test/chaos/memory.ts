import { readdirSync, readFileSync } from 'node:fs';
import type { Stack } from './stack.ts';

const LOOK_EVERY_MS = 100;
const PAGE_BYTES = 4096;

/** Watches what the hosts and all their processes hold: resident pages, those that they share counted for each. */
export function watchMemory(stack: Pick<Stack, 'groups'>): { stop(): number } {
  let peakBytes = 0;
  const timer = setInterval(() => {
    peakBytes = Math.max(peakBytes, residentBytes(new Set(stack.groups)));
  }, LOOK_EVERY_MS);
  return {
    stop() {
      clearInterval(timer);
      return peakBytes;
    },
  };
}

/** Of the processes of these groups; 0 where the system has no /proc. */
function residentBytes(groups: ReadonlySet<number>): number {
  let pages = 0;
  for (const pid of pidsHere()) {
    try {
      // After the name in brackets: state, parent, group.
      const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
      if (groups.has(Number(fields[2]))) pages += Number(fields[21]);
    } catch {
      // it ended meanwhile
    }
  }
  return pages * PAGE_BYTES;
}

function pidsHere(): string[] {
  try {
    return readdirSync('/proc').filter(name => /^\d+$/.test(name));
  } catch {
    return [];
  }
}
