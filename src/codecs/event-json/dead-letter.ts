import { isUtf8 } from 'node:buffer';
import type { RequestError } from '../../core/errors.ts';
import type { Event } from '../../core/event.ts';
import type { Clock } from '../../core/log.ts';
import { seeOf } from '../../core/on-call.ts';
import type { RenderDeadLetter, Subject } from '../../core/outcome.ts';
import { latencyOf } from '../../core/times.ts';
import { embedBody } from './embed-body.ts';

/** A name that goes into application properties and messages; longer ones are no names. */
const MAX_NAME_LENGTH = 256;
const MAX_MESSAGE_LENGTH = 2_000;
const MAX_SHARED_MESSAGE_LENGTH = 500;
const MAX_BRIEF_MESSAGE_LENGTH = 100;
/** Share of a dead letter that the request's id and the event's properties may have. */
const MAX_ECHO_SHARE = 1 / 4;
/**
 * The same where an event carried several requests, thousands of whose dead letters would each repeat its properties: a few times the request's own text, so
 * that all of them repeat no more than a few times what the event has; always some, without which a request cannot be replayed.
 */
const SHARED_ECHO = { min: 1024, max: 16 * 1024, timesText: 4 };

interface Letter {
  readonly error: { readonly message: string; readonly [field: string]: unknown };
  readonly source: {
    readonly properties: Readonly<Record<string, unknown>>;
    readonly properties_left_out: true | undefined;
    readonly [field: string]: unknown;
  };
  readonly [field: string]: unknown;
}

/** @param maxBodyBytes largest body of a dead letter, 4 KiB at least */
export function createDeadLetterRenderer(maxBodyBytes: number, clock: Clock): RenderDeadLetter {
  return (source, subject, error) => {
    const { event, resultId, requestId, modelVersion, variant, rollout, bucket, text } = subject;
    const now = error.run?.failedAtMs ?? subject.failedAtMs ?? clock();
    const model = subject.model?.slice(0, MAX_NAME_LENGTH);
    const properties = propertiesOf(event);
    const original = originalOf(event, text);
    const maxEchoBytes = Math.min(maxBodyBytes * MAX_ECHO_SHARE, text ? sharedEcho(original) : maxBodyBytes);
    const maxMessageLength = text ? MAX_SHARED_MESSAGE_LENGTH : MAX_MESSAGE_LENGTH;
    const fits = Buffer.byteLength(JSON.stringify(properties)) <= maxEchoBytes;
    const idFits = typeof requestId !== 'string' || Buffer.byteLength(requestId) <= maxEchoBytes;
    const letter: Letter = {
      request_id: idFits ? (requestId ?? resultId) : resultId,
      result_id: resultId,
      model,
      model_version: modelVersion,
      error: {
        code: error.code,
        message: error.message.slice(0, maxMessageLength),
        stage: error.stage,
        see: seeOf(error.code),
        ...namedRow(error),
        ...(error.run && { run: { rows: error.run.rows, failed: error.run.failed } }),
      },
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
    const whole = embedBody(letter, original, maxBodyBytes);
    return {
      kind: 'dead-letter',
      event,
      resultId,
      requestId,
      text,
      model,
      modelVersion,
      variant,
      rollout,
      bucket,
      body: whole.length > (subject.maxBytes ?? maxBodyBytes) ? briefly(letter) : whole,
      code: error.code,
      latencyMs: latencyOf(now, event.enqueuedAtMs),
    };
  };
}

/** One of so many of its event that none can repeat what it says: the event has the original, by its place in `result_id`. */
function briefly(letter: Letter): Buffer {
  const { error, source } = letter;
  const { hub, partition, sequence_number } = source;
  const brief = {
    ...letter,
    error: { ...error, see: undefined, message: error.message.slice(0, MAX_BRIEF_MESSAGE_LENGTH) },
    source: { hub, partition, sequence_number },
    body_left_out: 'too many',
  };
  return Buffer.from(JSON.stringify(brief));
}

/** Which row of a pack is to blame. */
function namedRow({ row }: RequestError) {
  if (row === undefined) return undefined;
  const { index, id } = row;
  return { index, id: typeof id === 'string' && id.length > MAX_NAME_LENGTH ? undefined : id };
}

function sharedEcho(original: Buffer): number {
  const { min, max, timesText } = SHARED_ECHO;
  return Math.min(max, Math.max(min, original.length * timesText));
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
