import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';

/** Where the kernel shows a container its own control group. */
const CGROUP = '/sys/fs/cgroup';

/**
 * Cores that this process may keep busy: the machine's, or fewer where its container's limit (the control group's quota, either version) is lower.
 * Node's own count sees that limit only from libuv 1.49 on. A pod that requests cores without a limit has no quota: there WORKER_THREADS says it.
 */
export function availableCores(cgroup = CGROUP, machine = availableParallelism()): number {
  const [quota, period] = quotaIn(cgroup) ?? [];
  if (!(Number(quota) > 0 && Number(period) > 0)) return machine; // "max", or -1: no limit
  return Math.max(1, Math.min(machine, Math.floor(Number(quota) / Number(period))));
}

function quotaIn(cgroup: string): readonly (string | undefined)[] | undefined {
  const text = (name: string) => readFileSync(join(cgroup, name), 'utf8').trim();
  const versions = [
    () => text('cpu.max').split(' '),
    () => ['quota', 'period'].map(of => text(`cpu/cpu.cfs_${of}_us`)),
  ];
  for (const read of versions) {
    try {
      return read();
    } catch {
      // the other version, or no control groups at all
    }
  }
  return undefined;
}
