import type { EventHubConsumerClient, EventPosition, ReceivedEventData, Subscription } from '@azure/event-hubs';
import { asError, InfrastructureError } from '../core/errors.ts';
import type { HubReader, Position, StoredEvent } from '../core/hub-reader.ts';
import { defer } from './deferred.ts';

export interface SdkReaderOptions {
  readonly hub: string;
  /** Consumer groups to read by, in this order: where a group is absent, full, or held by a reader with an epoch, the next is tried. */
  readonly consumerGroups: readonly string[];
  connect(consumerGroup: string): Promise<EventHubConsumerClient>;
  /** Events of one block at most. */
  readonly blockSize: number;
  /** Nothing for this long, though something was expected, is a failure. */
  readonly idleTimeoutMs: number;
}

/** The group is absent, has its five readers, or is held by a reader with an epoch: another group may serve. */
const GROUP_IS_CLOSED = new Set([
  'ReceiverDisconnectedError',
  'QuotaExceededError',
  'MessagingEntityNotFoundError',
  'ServiceCommunicationError',
]);

/** Reads by the SDK, without an epoch. */
export function createSdkReader(options: SdkReaderOptions): HubReader {
  const { hub, consumerGroups } = options;
  const clients = new Map<string, Promise<EventHubConsumerClient>>();
  let preferred = 0;

  const client = (group: string): Promise<EventHubConsumerClient> => {
    let connecting = clients.get(group);
    if (!connecting) {
      connecting = options.connect(group);
      clients.set(group, connecting);
    }
    return connecting;
  };
  /** Who did not answer once will not again: the SDK keeps a connection that a network swallows for minutes. The next call connects anew. */
  const leave = (group: string, silent: Promise<EventHubConsumerClient>): void => {
    if (clients.get(group) !== silent) return;
    clients.delete(group);
    void silent.then(gone => gone.close()).catch(() => {});
  };
  const ask = async <T>(question: (client: EventHubConsumerClient) => Promise<T>): Promise<T> => {
    const group = consumerGroups[preferred] as string;
    const asked = client(group);
    try {
      return await question(await asked);
    } catch (thrown) {
      if (isSilence(thrown)) leave(group, asked);
      throw thrown;
    }
  };

  return {
    hub,
    async describe(signal) {
      const { createdOn, partitionIds } = await ask(client =>
        client.getEventHubProperties({ abortSignal: signal }),
      ).catch(cause => fail(`asking for the properties of hub ${hub}`, cause));
      return { createdAtMs: createdOn.getTime(), partitions: partitionIds };
    },
    async range(partition, signal) {
      const found = await ask(client => client.getPartitionProperties(partition, { abortSignal: signal })).catch(
        cause => fail(`asking for the range of ${hub}/${partition}`, cause),
      );
      const never = found.lastEnqueuedSequenceNumber < 0;
      return {
        first: Math.max(0, found.beginningSequenceNumber),
        last: found.lastEnqueuedSequenceNumber,
        lastEnqueuedAtMs: never ? undefined : found.lastEnqueuedOnUtc.getTime(),
        empty: never || found.isEmpty || found.beginningSequenceNumber > found.lastEnqueuedSequenceNumber,
      };
    },
    async *read(partition, from, signal) {
      const refusals: string[] = [];
      for (let tried = 0; tried < consumerGroups.length; tried++) {
        const group = consumerGroups[preferred] as string;
        const connecting = client(group);
        const blocks = subscribe(await connecting, partition, from, options, signal);
        try {
          yield* blocks;
          return;
        } catch (thrown) {
          // Only the attaching is refused so, before anything was read: no block comes twice.
          if (isSilence(thrown)) leave(group, connecting);
          if (!isClosed(thrown)) return await fail(`reading ${hub}/${partition} by consumer group ${group}`, thrown);
          refusals.push(`${group}: ${asError(thrown).message}`);
          preferred = (preferred + 1) % consumerGroups.length;
        }
      }
      throw new InfrastructureError(
        `no consumer group of hub ${hub} can be read without an epoch; name one that no other reader uses in RECOVERY_CONSUMER_GROUPS (${refusals.join('; ')})`,
      );
    },
    async close() {
      await Promise.allSettled([...clients.values()].map(async connecting => (await connecting).close()));
      clients.clear();
    },
  };
}

/** Nothing was answered, which says nothing of the hub but of the way there. */
function isSilence(thrown: unknown): boolean {
  return thrown instanceof NothingCame || (thrown as { code?: unknown }).code === 'OperationTimeoutError';
}

class NothingCame extends Error {
  override readonly name = 'NothingCame';
}

function isClosed(thrown: unknown): boolean {
  return GROUP_IS_CLOSED.has(String((thrown as { code?: unknown }).code));
}

function fail(doing: string, cause: unknown): Promise<never> {
  return Promise.reject(new InfrastructureError(`${doing}: ${asError(cause).message}`, { cause: asError(cause) }));
}

/** The SDK's pushed events as blocks that the caller pulls: the next block is asked for only once this one is taken. */
async function* subscribe(
  client: EventHubConsumerClient,
  partition: string,
  from: Position,
  { blockSize, idleTimeoutMs, hub }: SdkReaderOptions,
  signal: AbortSignal,
): AsyncGenerator<readonly StoredEvent[]> {
  signal.throwIfAborted();
  let subscription: Subscription | undefined;
  let handOver = defer<readonly StoredEvent[]>();
  let taken = defer<void>();
  let stopped = false;
  const onAbort = () => handOver.reject(asError(signal.reason));
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    subscription = client.subscribe(
      partition,
      {
        async processEvents(events) {
          if (stopped) return;
          if (events.length === 0)
            return handOver.reject(
              new NothingCame(`nothing came from ${hub}/${partition} for ${idleTimeoutMs / 1000} s`),
            );
          handOver.resolve(events.map(asStoredEvent));
          await taken.promise;
        },
        async processError(error) {
          handOver.reject(error);
        },
      },
      {
        startPosition: asEventPosition(from),
        maxBatchSize: blockSize,
        prefetchCount: blockSize,
        maxWaitTimeInSeconds: idleTimeoutMs / 1000,
        skipParsingBodyAsJson: true,
      },
    );
    for (;;) {
      const block = await handOver.promise;
      yield block;
      signal.throwIfAborted();
      handOver = defer();
      const next = taken;
      taken = defer();
      next.resolve();
    }
  } finally {
    stopped = true;
    signal.removeEventListener('abort', onAbort);
    handOver.promise.catch(() => {}); // nobody waits for it any more
    taken.resolve();
    await subscription?.close();
  }
}

function asEventPosition(from: Position): EventPosition {
  return 'sequenceNumber' in from
    ? { sequenceNumber: from.sequenceNumber, isInclusive: true }
    : { enqueuedOn: from.enqueuedAfterMs };
}

/** The same fields as the functions host gives (read-batch.ts), so that an event is scored alike whichever way it came. */
function asStoredEvent(event: ReceivedEventData): StoredEvent {
  const system = event.systemProperties ?? {};
  const { messageId, contentType, correlationId, partitionKey } = event;
  return {
    body: asBytes(event.body),
    sequenceNumber: event.sequenceNumber,
    enqueuedAtMs: event.enqueuedTimeUtc.getTime(),
    partitionKey: asText(partitionKey) ?? asText(system['x-opt-kafka-key']),
    contentType: asText(contentType),
    contentEncoding: asText(system.contentEncoding) ?? asText(system['content-encoding']),
    properties: withLowerCasedNames(event.properties),
    system,
    correlationId: idOf(correlationId),
    messageId: Buffer.isBuffer(messageId) ? String(messageId) : idOf(messageId),
  };
}

/** Text or a number as text; bytes (a UUID among them) as the functions host gives them. A producer may write a map, with a key `toString` in it. */
function idOf(id: unknown): string | undefined {
  if (id === undefined || typeof id === 'string') return id;
  if (Buffer.isBuffer(id)) return id.toString('base64');
  return typeof id === 'object' ? JSON.stringify(id) : String(id);
}

function asBytes(body: unknown): Buffer {
  if (Buffer.isBuffer(body)) return body;
  if (body instanceof Uint8Array) return Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  return Buffer.from(typeof body === 'string' ? body : (JSON.stringify(body ?? null) ?? ''), 'utf8');
}

function asText(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  return value instanceof Uint8Array ? Buffer.from(value).toString('utf8') : undefined;
}

/** The host lower-cases the first letter of every property name; so must everything that stands in for it. */
function withLowerCasedNames(
  properties: Readonly<Record<string, unknown>> | undefined,
): Readonly<Record<string, unknown>> {
  if (!properties) return {};
  return Object.fromEntries(
    Object.entries(properties).map(([name, value]) => [name.charAt(0).toLowerCase() + name.slice(1), value]),
  );
}
