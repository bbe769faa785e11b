import { bytesOf, type Job, type Progress } from './job.ts';
import type { RecordEntry } from './records.ts';

/** Under this, a rate says nothing yet. */
const LEAST_SECONDS = 2;

/** How far a job is by its records, and whether it will be done in time. */
export function progressOf(job: Job, records: ReadonlyMap<number, RecordEntry>, nowMs: number): Progress {
  let [bytes, rows, rejected] = [0, 0, 0];
  for (const { chunk, rows: some, rejected: bad } of records.values()) {
    bytes += bytesOf(job, chunk);
    rows += some;
    rejected += bad;
  }
  const total = job.input.reduce((sum, file) => sum + (file.content ?? file).bytes, 0);
  const begunMs = Date.parse(job.history.findLast(({ state }) => state === 'running')?.at ?? job.timestamp);
  // A retry does not do again what stands: its rate counts from its own records.
  const own = [...records.values()].filter(({ writtenMs }) => writtenMs >= begunMs);
  const ownBytes = own.reduce((sum, { chunk }) => sum + bytesOf(job, chunk), 0);
  const seconds = Math.max((nowMs - begunMs) / 1000, 0.001);
  const rate = ownBytes / seconds;
  const etaMs = seconds < LEAST_SECONDS || rate === 0 ? undefined : nowMs + ((total - bytes) / rate) * 1000;
  return {
    chunks: records.size,
    bytes: Math.round(bytes),
    rows,
    rejected,
    rows_per_second: Math.round(own.reduce((sum, each) => sum + each.rows, 0) / seconds),
    eta: etaMs === undefined ? null : new Date(etaMs).toISOString(),
    sla: slaOf(Date.parse(job.deadline), etaMs, nowMs),
    at: new Date(nowMs).toISOString(),
  };
}

/** `at_risk` where it will not be done by its deadline at the present rate, `missed` past that. */
export function slaOf(deadlineMs: number, etaMs: number | undefined, nowMs: number): Progress['sla'] {
  if (nowMs > deadlineMs) return 'missed';
  return etaMs !== undefined && etaMs > deadlineMs ? 'at_risk' : 'on_track';
}
