import type { HubReader, StoredEvent } from '../../core/hub-reader.ts';
import { readRange } from '../../core/read-range.ts';

/** A result id taken apart: `hub/partition/sequence number`, then `/i` for the i-th request of an event that carried several. */
export interface ResultId {
  readonly hub: string;
  readonly partition: string;
  readonly sequenceNumber: number;
  /** Undefined where its event carried but one. */
  readonly part: number | undefined;
}

/** What the hubs still have of a request. */
export interface Trace {
  /** Undefined: not there, see `requests`. */
  readonly request: StoredEvent | undefined;
  readonly requests: 'there' | 'expired' | 'never';
  readonly ending:
    | { readonly kind: 'result' | 'dead-letter'; readonly hub: string; readonly event: StoredEvent }
    | undefined;
  /** Its partition is settled beyond it, so that it has, or had, its ending. */
  readonly isSettled: boolean;
}

/** @returns undefined where it is none */
export function parseResultId(text: string): ResultId | undefined {
  const [, hub, partition, sequenceNumber, part] = /^([^/]+)\/([^/]+)\/(\d+)(?:\/(\d+))?$/.exec(text) ?? [];
  if (hub === undefined || partition === undefined) return undefined;
  return {
    hub,
    partition,
    sequenceNumber: Number(sequenceNumber),
    part: part === undefined ? undefined : Number(part),
  };
}

export interface TraceHubs {
  readonly requests: HubReader;
  readonly results: HubReader;
  readonly deadLetters: HubReader;
}

/** Two partitions have two clocks. */
const SLACK_MS = 10_000;

/** Finds a request by its place, and its ending behind it. @throws InfrastructureError */
export async function traceResult(hubs: TraceHubs, id: string, at: ResultId, signal: AbortSignal): Promise<Trace> {
  const { partition, sequenceNumber } = at;
  const { partitions } = await hubs.requests.describe(signal);
  if (!partitions.includes(partition))
    return { request: undefined, requests: 'never', ending: undefined, isSettled: false };
  const { first, last, empty } = await hubs.requests.range(partition, signal);
  const requests = sequenceNumber > last ? 'never' : empty || sequenceNumber < first ? 'expired' : 'there';
  if (requests === 'never') return { request: undefined, requests, ending: undefined, isSettled: false };
  const request = requests === 'there' ? await readOne(hubs.requests, partition, sequenceNumber, signal) : undefined;
  let isSettled = false;
  for (const kind of ['result', 'dead-letter'] as const) {
    const reader = kind === 'result' ? hubs.results : hubs.deadLetters;
    const found = await findEnding(reader, id, at, request?.enqueuedAtMs, signal);
    isSettled ||= found.isSettled;
    if (found.event !== undefined) {
      const ending = { kind, hub: reader.hub, event: found.event };
      return { request, requests, ending, isSettled: true };
    }
  }
  return { request, requests, ending: undefined, isSettled };
}

async function readOne(
  reader: HubReader,
  partition: string,
  sequenceNumber: number,
  signal: AbortSignal,
): Promise<StoredEvent | undefined> {
  for await (const block of readRange(reader, partition, { sequenceNumber }, signal))
    return block.find(event => event.sequenceNumber === sequenceNumber);
  return undefined;
}

/** Each ending bears up to where requests are settled once it is there: behind the first that says so of this one, it need not be looked for. */
async function findEnding(
  reader: HubReader,
  id: string,
  { partition, sequenceNumber }: ResultId,
  enqueuedAtMs: number | undefined,
  signal: AbortSignal,
): Promise<{ readonly event: StoredEvent | undefined; readonly isSettled: boolean }> {
  const from = enqueuedAtMs === undefined ? {} : { timeMs: enqueuedAtMs - SLACK_MS };
  for await (const block of readRange(reader, partition, from, signal)) {
    for (const event of block) {
      if (event.messageId === id) return { event, isSettled: true };
      if (Number(event.properties.settled_through ?? -1) >= sequenceNumber)
        return { event: undefined, isSettled: true };
    }
  }
  return { event: undefined, isSettled: false };
}
