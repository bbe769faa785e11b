import { isUtf8 } from 'node:buffer';
import type { Event } from '../../core/event.ts';
import type { Clock } from '../../core/log.ts';
import type { RenderDeadLetter, Subject } from '../../core/outcome.ts';
import { latencyOf } from '../../core/times.ts';
import { embedBody } from './embed-body.ts';

/** A name that goes into application properties and messages; longer ones are no names. */
const MAX_NAME_LENGTH = 256;
const MAX_MESSAGE_LENGTH = 2_000;
/** Share of a dead letter that the request's id and the event's properties may have. */
const MAX_ECHO_SHARE = 1 / 4;
/** The same where an event carried several requests: thousands of dead letters would each repeat its properties. */
const MAX_SHARED_ECHO_BYTES = 16 * 1024;

/** @param maxBodyBytes largest body of a dead letter, 4 KiB at least */
export function createDeadLetterRenderer(maxBodyBytes: number, clock: Clock): RenderDeadLetter {
  return (source, subject, error) => {
    const { event, resultId, requestId, modelVersion, variant, text } = subject;
    const now = clock();
    const model = subject.model?.slice(0, MAX_NAME_LENGTH);
    const properties = propertiesOf(event);
    const maxEchoBytes = Math.min(
      maxBodyBytes * MAX_ECHO_SHARE,
      text ? MAX_SHARED_ECHO_BYTES : Number.POSITIVE_INFINITY,
    );
    const fits = Buffer.byteLength(JSON.stringify(properties)) <= maxEchoBytes;
    const idFits = typeof requestId !== 'string' || Buffer.byteLength(requestId) <= maxEchoBytes;
    const letter = {
      request_id: idFits ? (requestId ?? resultId) : resultId,
      result_id: resultId,
      model,
      model_version: modelVersion,
      error: { code: error.code, message: error.message.slice(0, MAX_MESSAGE_LENGTH), stage: error.stage },
      attempts: attemptsOf(event.properties.attempts),
      failed_at: new Date(now).toISOString(),
      source: {
        hub: source.hub,
        partition: source.partition,
        sequence_number: event.sequenceNumber,
        enqueued_at: new Date(event.enqueuedAtMs).toISOString(),
        partition_key: event.partitionKey ?? null,
        properties: fits ? properties : {},
        properties_left_out: fits ? undefined : true,
        content_type: text ? undefined : event.contentType,
        content_encoding: text ? undefined : event.contentEncoding,
      },
    };
    return {
      kind: 'dead-letter',
      event,
      resultId,
      requestId,
      text,
      model,
      modelVersion,
      variant,
      body: embedBody(letter, originalOf(event, text), maxBodyBytes),
      code: error.code,
      latencyMs: latencyOf(now, event.enqueuedAtMs),
    };
  };
}

/** How often the request has been tried; replays bear the count. */
function attemptsOf(property: unknown): number {
  const attempts = Number(property instanceof Uint8Array ? Buffer.from(property).toString() : (property ?? 1));
  return Number.isSafeInteger(attempts) && attempts > 0 ? attempts : 1;
}

/** The event's own bytes, or the part of them that is this request's. */
function originalOf(event: Event, text: Subject['text']): Buffer {
  if (text === undefined) return event.body;
  try {
    return Buffer.from(text());
  } catch {
    return event.body; // nested too deeply to be written again
  }
}

/** Application properties as JSON can say them: bytes as text, or base64 where they are none. */
function propertiesOf(event: Event): Record<string, unknown> {
  const shown: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(event.properties)) {
    if (value instanceof Uint8Array) shown[name] = Buffer.from(value).toString(isUtf8(value) ? 'utf8' : 'base64');
    else shown[name] = typeof value === 'bigint' ? String(value) : value;
  }
  return shown;
}
