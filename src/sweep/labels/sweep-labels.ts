import { BlobConflict, BlobGone, type Blobs } from '../../core/blobs.ts';
import type { HubReader, StoredEvent } from '../../core/hub-reader.ts';
import type { Clock } from '../../core/log.ts';
import { STATE_SCHEMA } from '../partition-state.ts';
import { statePath } from '../sweep-partition.ts';
import { writeChunk } from './chunks.ts';
import { readLabels } from './read-label.ts';

export interface LabelsState {
  readonly schema: number;
  readonly hub_created_at_ms: number;
  readonly cursor: number;
  readonly cursor_at_ms: number;
  readonly labels: number;
  readonly unreadable: number;
}

const MAX_EVENTS = 50_000;

/** Takes in the labels that came to a partition since the last time. @returns how many events were new, and how many are left */
export async function sweepLabels(
  partition: string,
  options: {
    readonly reader: HubReader;
    readonly blobs: Blobs;
    readonly hubCreatedAtMs: number;
    readonly clock: Clock;
    readonly untilMs: number;
  },
  signal: AbortSignal,
): Promise<{ readonly counted: number; readonly behind: number; readonly state: LabelsState }> {
  const { reader, blobs, hubCreatedAtMs, clock, untilMs } = options;
  const path = statePath(reader.hub, partition);
  const there = await blobs.readText(path, signal).catch(thrown => {
    if (thrown instanceof BlobGone) return undefined;
    throw thrown;
  });
  const anew = {
    schema: STATE_SCHEMA,
    hub_created_at_ms: hubCreatedAtMs,
    cursor: -1,
    cursor_at_ms: 0,
    labels: 0,
    unreadable: 0,
  };
  let state: LabelsState = there === undefined ? anew : (JSON.parse(there.text) as LabelsState);
  const { first, last, empty } = await reader.range(partition, signal);
  if (state.hub_created_at_ms !== hubCreatedAtMs || state.cursor > last)
    state = { ...state, cursor: -1, hub_created_at_ms: hubCreatedAtMs };
  if (state.schema > STATE_SCHEMA || empty || last <= state.cursor) return { counted: 0, behind: 0, state };
  const from = Math.max(first, state.cursor + 1);
  const events: StoredEvent[] = [];
  reading: for await (const block of reader.read(partition, { sequenceNumber: from }, signal)) {
    for (const event of block) {
      if (event.sequenceNumber > last) break reading;
      events.push(event);
    }
    if ((events.at(-1)?.sequenceNumber ?? -1) >= last || events.length >= MAX_EVENTS || clock() >= untilMs) break;
  }
  const [oldest, newest] = [events[0], events.at(-1)];
  if (oldest === undefined || newest === undefined) return { counted: 0, behind: last - state.cursor, state };
  const read = events.map(readLabels);
  const labels = read.flatMap(each => each.labels).map(label => JSON.stringify(label));
  await writeChunk(blobs, { kind: 'labels', partition, from, atMs: oldest.enqueuedAtMs }, labels, signal);
  const after: LabelsState = {
    ...state,
    cursor: newest.sequenceNumber,
    cursor_at_ms: newest.enqueuedAtMs,
    labels: state.labels + labels.length,
    unreadable: state.unreadable + read.reduce((sum, each) => sum + each.unreadable, 0),
  };
  try {
    await blobs.writeText(path, JSON.stringify(after), there ? { etag: there.etag } : 'absent', signal);
  } catch (thrown) {
    // Somebody else took them in: their chunk is the same one.
    if (!(thrown instanceof BlobConflict)) throw thrown;
  }
  return { counted: events.length, behind: last - newest.sequenceNumber, state: after };
}
