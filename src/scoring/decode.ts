import { type Decoder, type Found, isPassedOver, isRequest } from '../core/codec.ts';
import type { Event, EventBatch } from '../core/event.ts';
import type { ScannedRows } from './rows/scanned-rows.ts';
import type { Run } from './run.ts';
import { toRequest } from './to-request.ts';

/** Finds the requests of a batch, in order. A usual one is read straight into its group's rows, which needs its way to be known; any other is decoded. */
export async function decode(run: Run, { events }: EventBatch, decoder: Decoder, scanned: ScannedRows): Promise<void> {
  let ahead: ReadonlyMap<number, Decoding> | undefined;
  for (let at = scanned.take(run, events, 0); at < events.length; at = scanned.take(run, events, at + 1)) {
    const event = events[at] as Event;
    let decoded = ahead?.get(at) ?? decoder.decode(event);
    if (decoded instanceof Promise) {
      ahead ??= decodeAhead(events, at + 1, decoder);
      decoded = await decoded;
    }
    addAll(run, decoded, event, at);
  }
  scanned.forget();
}

type Decoding = ReturnType<Decoder['decode']>;

/** Those that may have to wait wait together: by turns a batch of names that nobody knows would have storage looked at for each. By event's place. */
function decodeAhead(events: readonly Event[], from: number, decoder: Decoder): ReadonlyMap<number, Decoding> {
  const ahead = new Map<number, Decoding>();
  for (let at = from; at < events.length; at++) {
    const event = events[at] as Event;
    if (!decoder.mayWait(event)) continue;
    const decoded = decoder.decode(event);
    if (decoded instanceof Promise) decoded.catch(() => {}); // told when its turn comes
    ahead.set(at, decoded);
  }
  return ahead;
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
