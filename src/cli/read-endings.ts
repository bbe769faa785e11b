import type { EventHubConsumerClient, EventPosition, ReceivedEventData } from '@azure/event-hubs';
import { asError } from '../core/errors.ts';
import { parseExactly } from '../core/exact-json.ts';
import { jsonAsItCame, jsonLine } from './printable.ts';
import type { Ending } from './show-ending.ts';

/** Result ids remembered to drop repeats; the oldest are forgotten first. */
const REMEMBERED = 1_000_000;

export interface Source {
  readonly kind: Ending['kind'];
  readonly consumer: EventHubConsumerClient;
}

export interface ReadOptions {
  /** Sequence start, only what is new, or everything enqueued from a time on. */
  readonly from: 'start' | 'latest' | Date;
  /** Ends once everything that was there at the start has been read. */
  readonly once: boolean;
  /** Only endings that name this model. */
  readonly model?: string | undefined;
  readonly signal: AbortSignal;
  /** Awaited, in the order of each partition. */
  readonly onEnding: (ending: Ending) => Promise<void>;
  /** Told where reading a partition stumbles and is tried again; not with `once`, which fails. */
  readonly onTrouble: (message: string) => void;
}

export interface ReadReport {
  readonly shown: number;
  /** Endings left out because one with the same result_id was shown before. */
  readonly repeats: number;
}

/**
 * Reads results and dead letters, each result_id once, until the signal comes or, with `once`, until the end.
 * @throws what the SDK throws where a hub cannot be read.
 */
export async function readEndings(sources: readonly Source[], options: ReadOptions): Promise<ReadReport> {
  const seen = new Set<string>();
  let shown = 0;
  let repeats = 0;
  const show = async (kind: Ending['kind'], partition: string, event: ReceivedEventData) => {
    const { body, json } = parsed(event.body);
    const fields = (typeof body === 'object' && body !== null ? body : {}) as { result_id?: unknown; model?: unknown };
    if (options.model !== undefined && fields.model !== options.model) return;
    const id = fields.result_id ?? event.messageId;
    if (typeof id === 'string') {
      const name = `${kind} ${id}`;
      if (seen.has(name)) {
        repeats++;
        return;
      }
      seen.add(name);
      if (seen.size > REMEMBERED) seen.delete(seen.values().next().value as string);
    }
    shown++;
    await options.onEnding({ kind, partition, enqueuedAt: event.enqueuedTimeUtc, body, json });
  };

  const partitions = await Promise.all(
    sources.map(async ({ consumer, kind }) => {
      const ids = await consumer.getPartitionIds({ abortSignal: options.signal });
      return ids.map(id => readPartition(consumer, id, options, event => show(kind, id, event)));
    }),
  );
  await Promise.all(partitions.flat());
  return { shown, repeats };
}

/** Resolves at the signal or, with `once`, after the last event there was. */
async function readPartition(
  consumer: EventHubConsumerClient,
  partition: string,
  options: ReadOptions,
  show: (event: ReceivedEventData) => Promise<void>,
): Promise<void> {
  const { from, once, signal } = options;
  const { isEmpty, lastEnqueuedSequenceNumber, lastEnqueuedOnUtc } = await consumer.getPartitionProperties(partition, {
    abortSignal: signal,
  });
  const nothing = isEmpty || from === 'latest' || (from instanceof Date && lastEnqueuedOnUtc < from);
  if (signal.aborted || (once && nothing)) return;
  await new Promise<void>((ended, failed) => {
    const subscription = consumer.subscribe(
      partition,
      {
        processEvents: async events => {
          for (const event of events) {
            if (signal.aborted) return;
            if (once && event.sequenceNumber > lastEnqueuedSequenceNumber) break;
            await show(event);
          }
          const last = events.at(-1);
          if (once && last && last.sequenceNumber >= lastEnqueuedSequenceNumber) end();
        },
        processError: async thrown => {
          if (once) end(asError(thrown));
          else options.onTrouble(`reading partition ${partition}: ${asError(thrown).message}`);
        },
      },
      // Named by the sequence number, so that nothing is missed between here and the receiver's start.
      {
        startPosition: startOf(from, lastEnqueuedSequenceNumber),
        maxBatchSize: 500,
        maxWaitTimeInSeconds: 1,
        skipParsingBodyAsJson: true, // it would change the digits of long numbers
      },
    );
    const end = (error?: Error) => {
      signal.removeEventListener('abort', stop);
      subscription.close().then(() => (error ? failed(error) : ended()), failed);
    };
    const stop = () => end();
    signal.addEventListener('abort', stop, { once: true });
  });
}

function startOf(from: ReadOptions['from'], lastSequenceNumber: number): EventPosition {
  if (from instanceof Date) return { enqueuedOn: from };
  return from === 'start' ? { offset: '-1' } : { sequenceNumber: lastSequenceNumber };
}

/** Bodies come as bytes, or as values of AMQP where somebody sent them so. */
function parsed(body: unknown): { readonly body: unknown; readonly json: string } {
  const text = body instanceof Uint8Array ? Buffer.from(body).toString('utf8') : body;
  if (typeof text !== 'string') return { body: text, json: jsonLine(text) };
  try {
    return { body: parseExactly(text), json: jsonAsItCame(text) };
  } catch {
    return { body: text, json: jsonLine(text) };
  }
}
