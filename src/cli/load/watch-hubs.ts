import type { EventHubConsumerClient, ReceivedEventData } from '@azure/event-hubs';
import { asError } from '../../core/errors.ts';
import type { SeenEnding } from './tally.ts';

export interface WatchedHubs {
  readonly requests: EventHubConsumerClient;
  readonly results: EventHubConsumerClient;
  readonly deadLetters: EventHubConsumerClient;
}

export interface EndingsWatch {
  /** Requests not settled yet, anybody's, by partition: from the log, so it needs nobody's checkpoints. */
  lag(signal: AbortSignal): Promise<ReadonlyMap<string, number>>;
  close(): Promise<void>;
}

/** Larger than the usual, since the client polls each partition some 45 times a second and no more. */
const BATCH = 2000;

/**
 * Reads results and dead letters from now on: whatever is enqueued after this has resolved is told.
 * @throws what the SDK throws where a hub cannot be read.
 */
export async function watchEndings(
  hubs: WatchedHubs,
  onEnding: (ending: SeenEnding) => void,
  onTrouble: (message: string) => void,
  signal: AbortSignal,
): Promise<EndingsWatch> {
  const atStart = await lastNumbers(hubs.requests, signal);
  const settled = new Map<string, number>(); // until a partition's first ending, all that was there at the start counts as settled
  const look = (kind: SeenEnding['kind'], partition: string, event: ReceivedEventData) => {
    const through = Number(event.properties?.settled_through ?? Number.NaN);
    if (through > (settled.get(partition) ?? -1)) settled.set(partition, through);
    onEnding(readEnding(kind, event));
  };
  const sources = [
    ['result', hubs.results],
    ['dead-letter', hubs.deadLetters],
  ] as const;
  const subscriptions = await Promise.all(
    sources.map(async ([kind, consumer]) =>
      [...(await lastNumbers(consumer, signal))].map(([partition, last]) =>
        consumer.subscribe(
          partition,
          {
            processEvents: async events => {
              for (const event of events) look(kind, partition, event);
            },
            processError: async thrown =>
              onTrouble(`reading ${consumer.eventHubName}, partition ${partition}: ${asError(thrown).message}`),
          },
          {
            startPosition: last < 0 ? { offset: '-1' } : { sequenceNumber: last },
            maxBatchSize: BATCH,
            maxWaitTimeInSeconds: 1,
          },
        ),
      ),
    ),
  );
  return {
    async lag(lagSignal) {
      const last = await lastNumbers(hubs.requests, lagSignal);
      return new Map(
        [...last].map(([partition, number]) => {
          const through = settled.get(partition) ?? atStart.get(partition) ?? -1;
          return [partition, Math.max(0, number - through)];
        }),
      );
    },
    async close() {
      await Promise.all(subscriptions.flat().map(subscription => subscription.close()));
    },
  };
}

/** The last event's sequence number by partition; -1 where there never was one. */
async function lastNumbers(consumer: EventHubConsumerClient, abortSignal: AbortSignal): Promise<Map<string, number>> {
  const partitions = await consumer.getPartitionIds({ abortSignal });
  const properties = await Promise.all(partitions.map(id => consumer.getPartitionProperties(id, { abortSignal })));
  return new Map(
    properties.map(({ partitionId, lastEnqueuedSequenceNumber }) => [partitionId, lastEnqueuedSequenceNumber]),
  );
}

interface EndingBody {
  readonly request_id?: unknown;
  readonly enqueued_at?: string;
  readonly cached?: boolean;
  readonly error?: { readonly code?: string };
  readonly source?: { readonly enqueued_at?: string };
}

function readEnding(kind: SeenEnding['kind'], event: ReceivedEventData): SeenEnding {
  const body: EndingBody = typeof event.body === 'object' && event.body !== null ? event.body : {};
  return {
    kind,
    requestId: body.request_id,
    requestEnqueuedMs: Date.parse((kind === 'result' ? body.enqueued_at : body.source?.enqueued_at) ?? ''),
    endingEnqueuedMs: event.enqueuedTimeUtc.getTime(),
    code: body.error?.code,
    cached: body.cached === true,
  };
}
