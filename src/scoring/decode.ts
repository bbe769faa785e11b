import { type Decoder, type Found, isPassedOver, isRequest } from '../core/codec.ts';
import type { Event, EventBatch } from '../core/event.ts';
import type { ScannedRows } from './rows/scanned-rows.ts';
import type { Run } from './run.ts';
import { toRequest } from './to-request.ts';

/** Finds the requests of a batch, in order. A usual one is read straight into its group's rows, which needs its way to be known; any other is decoded. */
export async function decode(run: Run, { events }: EventBatch, decoder: Decoder, scanned: ScannedRows): Promise<void> {
  for (let at = scanned.take(run, events, 0); at < events.length; at = scanned.take(run, events, at + 1)) {
    const event = events[at] as Event;
    const decoded = decoder.decode(event);
    addAll(run, decoded instanceof Promise ? await decoded : decoded, event, at);
  }
  scanned.forget();
}

function addAll(run: Run, decoded: readonly Found[], event: Event, at: number): void {
  const resultId = run.resultId(event);
  for (let i = 0; i < decoded.length; i++) {
    const item = decoded[i] as Found;
    if (isPassedOver(item)) {
      run.passOver(at);
      continue;
    }
    const request = toRequest(item, event, decoded.length === 1 ? resultId : `${resultId}/${i}`, run.requestTimeoutMs);
    const place = run.add(request, at, decoded.length === 1 ? -1 : i);
    if (!isRequest(item)) run.refuse(place, item.error);
  }
}
