import type { HubReader } from '../core/hub-reader.ts';
import { readRange } from '../core/read-range.ts';
import { sourceOf } from '../sweep/read-ending.ts';
import { type Told, toldOf } from './told.ts';

/** What production said to requests of one partition, as far as its results were read. */
export interface SettledResults {
  /** By result id, of the requests that are wanted. */
  readonly told: ReadonlyMap<string, Told>;
  /** Requests up to this sequence number have their ending; −1: none that is known of. */
  readonly settledThrough: number;
  /** The first event that may be of a request behind a sequence number. */
  resultsFrom(behind: number): number;
}

export interface SettledOptions {
  /** Of the results partition, which begins there. */
  readonly from: { readonly sequenceNumber: number } | { readonly timeMs: number };
  /** Whether a request's result is to be kept. */
  readonly isWanted: (sequenceNumber: number) => boolean;
  readonly model: string;
  /** So many events are read, and no more. */
  readonly atMost: number;
}

/**
 * Reads results of one partition on. Each bears up to where requests were settled once it was there: of what lies below, nothing comes any more. What a rollout's candidate answered is left out: a
 * shadow is held against production.
 */
export async function readSettled(
  reader: HubReader,
  partition: string,
  { from, isWanted, model, atMost }: SettledOptions,
  signal: AbortSignal,
): Promise<SettledResults> {
  const told = new Map<string, Told>();
  const places: (readonly [place: number, source: number])[] = [];
  let settledThrough = -1;
  let next = 'sequenceNumber' in from ? from.sequenceNumber : 0;
  for await (const block of readRange(reader, partition, from, signal)) {
    for (const event of block) {
      next = event.sequenceNumber + 1;
      settledThrough = Math.max(settledThrough, Number(event.properties.settled_through ?? -1));
      const source = sourceOf(event);
      if (source === undefined) continue;
      places.push([event.sequenceNumber, source.sequenceNumber]);
      const { messageId: resultId, body, properties } = event;
      if (resultId === undefined || told.has(resultId) || !isWanted(source.sequenceNumber)) continue;
      if (properties.model !== model || properties.variant === 'candidate') continue;
      const said = toldOf({ resultId, version: String(properties.model_version), body });
      if (said !== undefined) told.set(resultId, said);
    }
    if (places.length >= atMost) break;
  }
  return {
    told,
    settledThrough,
    resultsFrom: behind => places.find(([, source]) => source > behind)?.[0] ?? next,
  };
}
