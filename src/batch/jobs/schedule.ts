import { asError } from '../../core/errors.ts';
import type { JobService } from '../../core/job-service.ts';
import type { JobRoom } from './room.ts';

/** The day that it is in a zone, as `2026-11-20`. Days have 23 or 25 hours where clocks are changed: the calendar knows. */
export function dayIn(zone: string, atMs: number): string {
  const format = new Intl.DateTimeFormat('en-CA', {
    timeZone: zone,
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
  });
  const parts = Object.fromEntries(format.formatToParts(atMs).map(({ type, value }) => [type, value]));
  return `${parts.year}-${parts.month}-${parts.day}`;
}

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

/** Submits today's jobs, one a template. One that is refused does not hold up the others. */
export async function submitScheduled(
  room: JobRoom,
  jobs: JobService,
  zone: string,
  signal: AbortSignal,
): Promise<void> {
  const date = dayIn(zone, room.clock());
  for (const { path } of await room.blobs.describe(TEMPLATES, signal)) {
    const name = /^jobs\/templates\/([A-Za-z0-9][A-Za-z0-9._-]*)\.json$/.exec(path)?.[1];
    if (name === undefined) continue;
    try {
      const { text } = await room.blobs.readText(path, signal);
      const { job, created } = await jobs.submit(ofDay(name, JSON.parse(text), date), signal);
      if (created) room.log.info(`job ${job.id} was submitted by its template`);
    } catch (thrown) {
      signal.throwIfAborted();
      room.log.error(`template ${name} made no job for ${date}: ${asError(thrown).message}`);
    }
  }
}
