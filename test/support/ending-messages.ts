import { EndingMessages } from '../../src/core/ending-messages.ts';
import type { Event } from '../../src/core/event.ts';
import type { Outcome } from '../../src/core/outcome.ts';
import { ScoredBatch } from '../../src/core/scored-batch.ts';

export interface MadeEnding {
  /** Of the request's event. */
  readonly sequenceNumber: number;
  readonly body: Buffer;
  readonly model?: string;
  readonly traceparent?: string;
  readonly correlationId?: string;
}

export const LOG = 1_795_263_721_545;

/** Results of requests partition 1 as messages, whatever their bodies are. */
export function endingMessages(endings: readonly MadeEnding[], asCloudEvents = false): EndingMessages {
  const events = endings.map(({ sequenceNumber, body, traceparent, correlationId }): Event => {
    const properties = traceparent === undefined ? {} : { traceparent };
    const absent = { partitionKey: undefined, contentType: undefined, contentEncoding: undefined };
    return { ...absent, body, sequenceNumber, enqueuedAtMs: 0, properties, correlationId };
  });
  const batch = { hub: 'inference-requests', partition: '1', events };
  const outcomes = endings.map(({ sequenceNumber, body, model = 'diabète 🩺' }, i): Outcome => {
    const resultId = `inference-requests/1/${sequenceNumber}`;
    const about = { model, modelVersion: '1.1.0+a1b2c3d4', variant: undefined, code: undefined, latencyMs: 1 };
    return { kind: 'result', event: events[i] as Event, resultId, requestId: undefined, body, ...about };
  });
  const mark = { rises: true, settledThrough: endings[endings.length - 1]?.sequenceNumber ?? -1 };
  const properties = { source_partition: '1', source_log: LOG };
  return new EndingMessages(ScoredBatch.of(batch, outcomes), undefined, mark, properties, asCloudEvents);
}
