import { BlobConflict, BlobGone, type Blobs } from '../core/blobs.ts';
import { isPassedOver, isRequest } from '../core/codec.ts';
import type { HubReader, StoredEvent } from '../core/hub-reader.ts';
import type { Clock } from '../core/log.ts';
import { murmur3After } from '../rollouts/murmur3.ts';
import { rowsOf } from './instances.ts';
import { type ClosedHour, HOUR_MS, RequestsState, restoreRequests, storeHour, storeRequests } from './state.ts';
import type { WatchedModels } from './watched-models.ts';

export interface ReadRequestsOptions {
  readonly reader: HubReader;
  readonly blobs: Blobs;
  readonly hubCreatedAtMs: number;
  readonly models: WatchedModels;
  /** Per cent of the requests. */
  readonly sample: number;
  readonly clock: Clock;
  /** No block is begun after that time, milliseconds since the epoch. */
  readonly untilMs: number;
}

export interface RequestsRead {
  readonly counted: number;
  readonly behind: number;
  /** All hours that ended by then are closed. */
  readonly closedToMs: number;
}

export const requestsPath = (hub: string, partition: string) => `drift/state/${hub}/${partition}.json`;
export const hourPath = (hub: string, partition: string, atMs: number) =>
  `windows/${hub}/${partition}/drift/${new Date(atMs).toISOString()}.json`;

const SILENCE_MS = 30_000;
const TRIES = 3;
/** Between two times that it is kept. */
const MAX_EVENTS = 20_000;
/** More than that waits only where reading does not keep up: what is older is passed over, so that the cost stays bounded. */
const MAX_BEHIND = 100_000;

/** Counts the requests of a partition that came since the last time, in their profiles' bins. Cursor and counters are one blob under its ETag, as the sweep's are. */
export async function readRequests(
  partition: string,
  options: ReadRequestsOptions,
  signal: AbortSignal,
): Promise<RequestsRead> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await tryReading(partition, options, signal);
    } catch (thrown) {
      if (!(thrown instanceof BlobConflict) || attempt === TRIES) throw thrown;
    }
  }
}

async function tryReading(partition: string, options: ReadRequestsOptions, signal: AbortSignal): Promise<RequestsRead> {
  const { reader, blobs, clock, models } = options;
  const path = requestsPath(reader.hub, partition);
  const there = await readState(blobs, path, signal);
  const state = there?.state ?? new RequestsState();
  const condition = there ? { etag: there.etag } : 'absent';
  const { first, last, lastEnqueuedAtMs = 0, empty } = await reader.range(partition, signal);
  if (state.hubCreatedAtMs !== options.hubCreatedAtMs || state.cursor > last)
    Object.assign(state, { hubCreatedAtMs: options.hubCreatedAtMs, cursor: -1 });
  if (empty || last <= state.cursor) return silent();
  // What came before anybody watched is nobody's: it begins with the hour it begins in.
  const beganMs = Math.floor(clock() / HOUR_MS) * HOUR_MS;
  if (there === undefined && lastEnqueuedAtMs < beganMs) {
    Object.assign(state, { cursor: last, cursorAtMs: lastEnqueuedAtMs });
    await keep([]);
    return silent();
  }
  const from = Math.max(first, state.cursor + 1, last + 1 - MAX_BEHIND);
  if (state.cursor >= 0) state.lost += from - state.cursor - 1;
  const position = there === undefined && from === first ? { enqueuedAfterMs: beganMs - 1 } : { sequenceNumber: from };
  const isSampled = sampler(`${reader.hub}/${partition}/`, options.sample);
  let counted = 0;
  let newest: StoredEvent | undefined;
  reading: for await (const block of reader.read(partition, position, signal)) {
    for (const event of block) {
      if (event.sequenceNumber > last) break reading;
      if (isSampled(event)) await count(event, state, models);
      newest = event;
      counted++;
    }
    if (newest === undefined || newest.sequenceNumber >= last || counted >= MAX_EVENTS || clock() >= options.untilMs)
      break;
  }
  if (newest === undefined) return { counted, behind: last - state.cursor, closedToMs: closedTo() };
  state.cursor = newest.sequenceNumber;
  state.cursorAtMs = newest.enqueuedAtMs;
  await keep(state.closeBefore(newest.enqueuedAtMs));
  return { counted, behind: last - newest.sequenceNumber, closedToMs: closedTo() };

  async function silent(): Promise<RequestsRead> {
    const nowMs = clock() - SILENCE_MS;
    const closed = state.closeBefore(nowMs);
    if (closed.length > 0) await keep(closed);
    return { counted: 0, behind: 0, closedToMs: nowMs };
  }

  function closedTo(): number {
    return state.cursorAtMs;
  }

  async function keep(closed: readonly ClosedHour[]): Promise<void> {
    for (const hour of closed)
      await blobs.writeText(hourPath(reader.hub, partition, hour.atMs), storeHour(hour), 'any', signal);
    await blobs.writeText(path, storeRequests(state), condition, signal);
  }
}

/** The same requests whoever reads them, and however often. */
function sampler(prefix: string, percent: number): (event: StoredEvent) => boolean {
  if (percent >= 100) return () => true;
  const hash = murmur3After(prefix);
  const limit = (percent / 100) * 2 ** 32;
  return ({ sequenceNumber }) => hash(String(sequenceNumber)) < limit;
}

async function count(event: StoredEvent, state: RequestsState, models: WatchedModels): Promise<void> {
  const decoding = models.decoder.decode(event);
  for (const found of decoding instanceof Promise ? await decoding : decoding) {
    if (isPassedOver(found) || !isRequest(found)) continue;
    for (const { model, version, id, profile } of models.find(found.model, found.modelVersion)) {
      const rows = rowsOf(found.features, found.ids !== undefined, profile);
      if (rows.length > 0) state.add({ model, version, profile: id }, rows, event.enqueuedAtMs, profile);
    }
  }
}

async function readState(blobs: Blobs, path: string, signal: AbortSignal) {
  try {
    const { text, etag } = await blobs.readText(path, signal);
    return { state: restoreRequests(text, path), etag };
  } catch (thrown) {
    if (thrown instanceof BlobGone) return undefined;
    throw thrown;
  }
}
