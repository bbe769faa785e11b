import type { Event } from '../core/event.ts';

/** Events whose sequence numbers follow each other without a hole, run by run. */
export function consecutiveRuns(events: readonly Event[]): (readonly Event[])[] {
  const runs: (readonly Event[])[] = [];
  let start = 0;
  for (let i = 1; i <= events.length; i++) {
    if (i < events.length && events[i]?.sequenceNumber === (events[i - 1]?.sequenceNumber ?? 0) + 1) continue;
    if (i > start) runs.push(start === 0 && i === events.length ? events : events.slice(start, i));
    start = i;
  }
  return runs;
}

/** The first events that together stay within both limits; at least one. */
export function firstSlice(events: readonly Event[], maxEvents: number, maxBytes: number): readonly Event[] {
  let bytes = 0;
  for (let i = 0; i < events.length; i++) {
    bytes += events[i]?.body.length ?? 0;
    if (i > 0 && (i >= maxEvents || bytes > maxBytes)) return events.slice(0, i);
  }
  return events;
}

export function bytesOf(events: readonly Event[]): number {
  let bytes = 0;
  for (const event of events) bytes += event.body.length;
  return bytes;
}
