import { asError } from '../../core/errors.ts';
import type { JobService } from '../../core/job-service.ts';
import { firings } from './firings.ts';
import type { JobRoom } from './room.ts';

/** The days from one to another, both included. @throws RangeError where there are none, or more than a thousand */
export function daysFrom(from: string, to: string): readonly string[] {
  const days: string[] = [];
  const last = Date.parse(`${to}T00:00:00Z`);
  for (let at = Date.parse(`${from}T00:00:00Z`); at <= last; at += 24 * 3600 * 1000) {
    days.push(new Date(at).toISOString().slice(0, 10));
    if (days.length > 1000) throw new RangeError(`${from}..${to}: more than a thousand days`);
  }
  if (days.length === 0) throw new RangeError(`${from}..${to}: no day lies between`);
  return days;
}

const TEMPLATES = 'jobs/templates/';

/** A template as a job of a day: its name and the day make its id, so that it is made once, however often it is asked for. */
export function ofDay(
  name: string,
  template: Readonly<Record<string, unknown>>,
  date: string,
): Record<string, unknown> {
  return { ...template, id: `${name}-${date}`, date };
}

/** When jobs of templates are submitted. */
export interface Schedule {
  /** NCRONTAB. */
  readonly schedule: string;
  /** IANA name. */
  readonly zone: string;
}

/**
 * Submits the jobs that are due since the last look, one a template and day. One that is refused does not hold up the others.
 * @param lastMs when that was; not a number: never, and then only this minute counts
 */
export async function submitScheduled(
  room: JobRoom,
  jobs: JobService,
  { schedule, zone }: Schedule,
  lastMs: number,
  signal: AbortSignal,
): Promise<void> {
  const nowMs = room.clock();
  const dates = firings(schedule, zone, lastMs > 0 ? lastMs : nowMs - 60_000, nowMs);
  if (dates.length === 0) return;
  for (const { path } of await room.blobs.describe(TEMPLATES, signal)) {
    const name = /^jobs\/templates\/([A-Za-z0-9][A-Za-z0-9._-]*)\.json$/.exec(path)?.[1];
    if (name === undefined) continue;
    for (const date of dates) await submitOne(room, jobs, { path, name, date }, signal);
  }
}

async function submitOne(
  room: JobRoom,
  jobs: JobService,
  { path, name, date }: { readonly path: string; readonly name: string; readonly date: string },
  signal: AbortSignal,
): Promise<void> {
  try {
    const { text } = await room.blobs.readText(path, signal);
    const { job, created } = await jobs.submit(ofDay(name, JSON.parse(text), date), signal);
    if (created) room.log.info(`job ${job.id} was submitted by its template`);
  } catch (thrown) {
    signal.throwIfAborted();
    room.log.error(`template ${name} made no job for ${date}: ${asError(thrown).message}`);
  }
}
