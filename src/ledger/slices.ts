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

/** Bytes that scoring an event takes at once. */
export type Weigh = (event: Event) => number;

export interface Slice {
  readonly events: readonly Event[];
  /** What they weigh together. */
  readonly bytes: number;
}

/** The first events that together stay within both limits; at least one. */
export function firstSlice(events: readonly Event[], maxEvents: number, maxBytes: number, weigh: Weigh): Slice {
  let bytes = 0;
  for (let i = 0; i < events.length; i++) {
    const weight = i > 0 && i >= maxEvents ? 0 : weigh(events[i] as Event);
    if (i > 0 && (i >= maxEvents || bytes + weight > maxBytes)) return { events: events.slice(0, i), bytes };
    bytes += weight;
  }
  return { events, bytes };
}
