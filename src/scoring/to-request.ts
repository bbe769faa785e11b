import { type Decoded, isRequest } from '../core/codec.ts';
import type { Event } from '../core/event.ts';
import type { Request, RequestId } from '../core/request.ts';
import { NO_SEGMENTS } from '../core/routing.ts';

/** What an event said, with what it left to defaults. */
export function toRequest(
  decoded: Decoded,
  event: Event,
  resultId: string,
  requestTimeoutMs: number | undefined,
): Request {
  const { requestId, model, text } = decoded;
  const said = isRequest(decoded) ? decoded : undefined;
  return {
    resultId,
    requestId,
    model,
    modelVersion: said?.modelVersion,
    features: said?.features,
    ids: said?.ids,
    onError: said?.onError,
    priority: said?.priority ?? 1,
    enqueuedAtMs: event.enqueuedAtMs,
    timeoutMs: said?.timeoutMs ?? requestTimeoutMs,
    routingKey: said?.routingKey ?? event.partitionKey ?? textOf(requestId) ?? resultId,
    segments: said?.segments ?? NO_SEGMENTS,
    text,
    carried: said?.carried,
  };
}

function textOf(id: RequestId | undefined): string | undefined {
  return typeof id === 'object' ? id.rawJSON : id === undefined ? undefined : String(id);
}
