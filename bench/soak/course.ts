import { median } from '../harness.ts';
import { EVERY_MS, type Sample } from './sample-memory.ts';

/** What the processes of one role held, minute by minute, MiB. */
export interface Course {
  readonly processes: number;
  /** Resident, the median of each minute, all processes of the role together. */
  readonly residentMiB: readonly number[];
  /** Objects of JavaScript: the least of each minute, in which the garbage is not counted, or little of it. */
  readonly heapMiB: readonly number[];
  readonly youngMiB: readonly number[];
  readonly externalMiB: readonly number[];
  /** Resident in the last five minutes, over that in the five after the first five; medians. In a soak of less than 15 minutes, by thirds. */
  readonly growth: number;
}

const MIB = 1024 * 1024;
const MINUTE_MS = 60_000;
/** Files by what their process is called. */
const ROLES: Readonly<Record<string, string>> = {
  'worker.ts': 'functions host with the app',
  'inference-process.js': 'inference processes',
  'main.ts': 'supervisor',
};

/** By role. @param endpointPid its file is called like the supervisor's */
export function coursesOf(
  samples: readonly Sample[],
  startMs: number,
  minutes: number,
  endpointPid: number,
): Readonly<Record<string, Course>> {
  const byRole = new Map<string, Sample[]>();
  for (const sample of samples) {
    const role = sample.pid === endpointPid ? 'endpoint' : ROLES[sample.file];
    if (role === undefined || sample.atMs < startMs) continue;
    byRole.set(role, [...(byRole.get(role) ?? []), sample]);
  }
  return Object.fromEntries([...byRole].map(([role, of]) => [role, courseOf(of, startMs, minutes)]));
}

function courseOf(samples: readonly Sample[], startMs: number, minutes: number): Course {
  // One process may end while the next is there already: what counts is what they held at one time, not all that lived in a minute.
  const moments = new Map<number, Map<number, Sample>>();
  for (const sample of samples) {
    const moment = Math.floor((sample.atMs - startMs) / EVERY_MS);
    moments.set(moment, (moments.get(moment) ?? new Map()).set(sample.pid, sample));
  }
  const byMinute = (of: keyof Sample, choose: (values: readonly number[]) => number) =>
    Array.from({ length: minutes }, (_, minute) => {
      const held = [...moments]
        .filter(([moment]) => Math.floor((moment * EVERY_MS) / MINUTE_MS) === minute)
        .map(([, at]) => [...at.values()].reduce((sum, sample) => sum + (sample[of] as number), 0));
      return Number(((held.length === 0 ? 0 : choose(held)) / MIB).toFixed(1));
    });
  const residentMiB = byMinute('resident', median);
  const span = Math.min(5, Math.max(1, Math.floor(minutes / 3)));
  const early = median(residentMiB.slice(span, 2 * span));
  return {
    processes: new Set(samples.map(({ pid }) => pid)).size,
    residentMiB,
    heapMiB: byMinute('heapUsed', values => Math.min(...values)),
    youngMiB: byMinute('young', median),
    externalMiB: byMinute('external', median),
    growth: Number((median(residentMiB.slice(-span)) / early).toFixed(3)),
  };
}
