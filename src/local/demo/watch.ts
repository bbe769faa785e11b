import { setTimeout as sleep } from 'node:timers/promises';
import { EventHubConsumerClient, latestEventPosition, type ReceivedEventData } from '@azure/event-hubs';
import type { Seen, Statistics } from './statistics.ts';

const LAG_EVERY_MS = 1000;

export interface Hubs {
  readonly requests: string;
  readonly results: string;
  readonly deadLetters: string;
}

/**
 * Reads the results and dead-letter hubs from now on into the statistics, and asks every second how far each requests
 * partition has come. Resolves once it reads; reading ends with the signal.
 * @returns resolves when everything is closed.
 */
export async function watchHubs(
  connectionString: string,
  hubs: Hubs,
  statistics: Statistics,
  signal: AbortSignal,
): Promise<void> {
  const consumer = (hub: string) => new EventHubConsumerClient('$Default', connectionString, hub);
  const requests = consumer(hubs.requests);
  const sources = [
    { client: consumer(hubs.results), kind: 'result' as const },
    { client: consumer(hubs.deadLetters), kind: 'dead-letter' as const },
  ];
  for (const { client, kind } of sources) {
    client.subscribe(
      {
        processEvents: async (events, { partitionId }) => {
          for (const event of events) statistics.addSeen(reduce(kind, event, partitionId));
        },
        processError: async () => {}, // the SDK comes back by itself, and a part that ended is said elsewhere
      },
      {
        startPosition: latestEventPosition,
        maxBatchSize: 500,
        maxWaitTimeInSeconds: 1,
        skipParsingBodyAsJson: true, // it would change the digits of long ids
      },
    );
  }
  try {
    while (!signal.aborted) {
      await readLastEnqueued(requests, statistics, signal).catch(() => {}); // as above
      await sleep(LAG_EVERY_MS, undefined, { signal }).catch(() => {});
    }
  } finally {
    await Promise.all([requests, ...sources.map(({ client }) => client)].map(client => client.close()));
  }
}

async function readLastEnqueued(requests: EventHubConsumerClient, statistics: Statistics, abortSignal: AbortSignal) {
  for (const partition of await requests.getPartitionIds({ abortSignal })) {
    const { isEmpty, lastEnqueuedSequenceNumber } = await requests.getPartitionProperties(partition, { abortSignal });
    statistics.setLastEnqueued(partition, isEmpty ? -1 : lastEnqueuedSequenceNumber);
  }
}

interface EndingBody {
  readonly request_id?: string | number;
  readonly result_id?: string;
  readonly model?: string;
  readonly model_version?: string;
  readonly prediction?: unknown;
  readonly confidence?: number;
  readonly predictions?: readonly ({ readonly prediction?: unknown } | null)[];
  readonly enqueued_at?: string;
  readonly error?: { readonly code?: string; readonly message?: string };
  readonly source?: { readonly enqueued_at?: string };
}

/** What the view needs of an event of the results or the dead-letter hub. */
export function reduce(kind: Seen['kind'], event: ReceivedEventData, partition: string): Seen {
  const body = bodyOf(event.body);
  const atMs = event.enqueuedTimeUtc.getTime();
  const enqueuedAt = Date.parse(body.enqueued_at ?? body.source?.enqueued_at ?? '');
  const settledThrough = Number(event.properties?.settled_through ?? Number.NaN);
  return {
    kind,
    model: body.model,
    version: body.model_version ?? optionalText(event.properties?.model_version),
    atMs,
    // of results only: a dead letter is no answer, and would make the model look fast
    latencyMs: kind === 'result' && !Number.isNaN(enqueuedAt) ? Math.max(0, atMs - enqueuedAt) : undefined,
    partition,
    settledThrough: Number.isNaN(settledThrough) ? undefined : settledThrough,
    // without an id of its own a request goes by partition and sequence number
    requestId: String(body.request_id ?? body.result_id?.split('/').slice(-2).join('/') ?? '?'),
    said: kind === 'result' ? answer(body) : `${body.error?.code ?? 'unexpected'}: ${body.error?.message ?? ''}`,
  };
}

/** `JSON.parse` hands its reviver the source text of a primitive; the language library of our target does not declare it yet. */
type Reviver = (key: string, value: unknown, context: { readonly source?: string }) => unknown;
const parseWithSource = JSON.parse as (text: string, reviver: Reviver) => unknown;

function bodyOf(body: unknown): EndingBody {
  try {
    const value = body instanceof Uint8Array ? parseWithSource(Buffer.from(body).toString('utf8'), keepDigits) : body;
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {};
  }
}

/** Whole numbers beyond 2^53 as the text they were written as. */
const keepDigits: Reviver = (_, value, { source }) =>
  typeof value === 'number' && !Number.isSafeInteger(value) && /^-?\d+$/.test(source ?? '') ? source : value;

const optionalText = (value: unknown) => (typeof value === 'string' ? value : undefined);

function answer({ prediction, confidence, predictions }: EndingBody): string {
  if (predictions) return predictions.map(each => (each === null ? 'none' : text(each.prediction))).join(', ');
  return confidence === undefined ? text(prediction) : `${text(prediction)}  ${Math.round(confidence * 100)} %`;
}

function text(value: unknown): string {
  if (typeof value === 'number') return String(Number.isInteger(value) ? value : Number(value.toPrecision(5)));
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}
