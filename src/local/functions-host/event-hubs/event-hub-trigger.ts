import { setTimeout as delay } from 'node:timers/promises';
import { EventHubConsumerClient } from '@azure/event-hubs';
import { BlobCheckpointStore } from '@azure/eventhubs-checkpointstore-blob';
import type { ContainerClient } from '@azure/storage-blob';
import type { EventHubsConnection } from '../connections.ts';
import { SetupError } from '../errors.ts';
import type { EventHubsOptions } from '../host-json.ts';
import type { Call, Invoke } from '../invoke.ts';
import { type HostLog, messageOf } from '../log.ts';
import { type RetryPolicy, runWithRetries, toldContext } from '../retry.ts';
import type { RetryContext } from '../rpc.ts';
import type { RunningBatches } from '../running-batches.ts';
import type { Waits } from '../waits.ts';
import { type EventHubBinding, toCall } from './binding.ts';
import { HubConnection, type Position } from './hub-connection.ts';
import { type GroupName, HubProcessor } from './hub-processor.ts';
import type { PartitionContext } from './metadata.ts';
import type { ReceivedEvent } from './received-event.ts';

export interface EventHubTriggerOptions {
  readonly functionName: string;
  readonly binding: EventHubBinding;
  readonly connection: EventHubsConnection;
  readonly hostOptions: EventHubsOptions;
  readonly waits: Waits;
  readonly running: RunningBatches;
  /** `azure-webjobs-eventhub` of the host's storage. */
  readonly container: ContainerClient;
  readonly ownerId: string;
  readonly retry: RetryPolicy | undefined;
  readonly invoke: Invoke;
  readonly log: HostLog;
  readonly clock: () => number;
  readonly random: () => number;
}

/** Starts to call a function with a hub's events; resolves when it reads. @throws SetupError where hub or group are not there or access is denied. */
export async function startEventHubTrigger(
  options: EventHubTriggerOptions,
  signal: AbortSignal,
): Promise<HubProcessor> {
  const { functionName, binding, connection, hostOptions, container, ownerId, log, clock } = options;
  const say = (level: 'debug' | 'information' | 'warning', message: string) =>
    log(level, `Host.EventHubs.${functionName}`, message);
  const { consumerGroup } = binding;
  const { fullyQualifiedNamespace, eventHubName, partitionIds } = await describeHub(options, say, signal);
  const partitions = watchPartitions(options, partitionIds);
  const group: GroupName = { fullyQualifiedNamespace, eventHubName, consumerGroup };
  const processor = new HubProcessor({
    group,
    partitionIds: partitions.ids,
    onStop: partitions.close,
    ownerId,
    connection: new HubConnection(connection, eventHubName, consumerGroup),
    store: new BlobCheckpointStore(container),
    start: initialPosition(hostOptions.initialOffsetOptions),
    balanceIntervalMs: hostOptions.loadBalancingUpdateInterval,
    ownershipExpiryMs: hostOptions.partitionOwnershipExpirationInterval,
    batchesPerCheckpoint: hostOptions.batchCheckpointFrequency,
    checkpointing: hostOptions.enableCheckpointing,
    waitForCheckpoint: options.waits.forCheckpoint,
    batches: {
      maxEventBatchSize: hostOptions.maxEventBatchSize,
      minEventBatchSize: Math.min(
        binding.cardinality === 'many' ? hostOptions.minEventBatchSize : 1,
        hostOptions.maxEventBatchSize,
      ),
      maxWaitMs: hostOptions.maxWaitTime,
      prefetchCount: hostOptions.prefetchCount,
      fillMs: binding.cardinality === 'many' ? options.waits.fillMs : 0,
    },
    process: (partitionId, events, partitionSignal, isCheckpointingAfterInvocation) =>
      processBatch(options, { ...group, partitionId, isCheckpointingAfterInvocation }, events, partitionSignal),
    log: say,
    clock,
  });
  await processor.start();
  return processor;
}

/** How many of the events are done with: called with success, or without and no retry left. */
async function processBatch(
  options: EventHubTriggerOptions,
  partition: PartitionContext,
  events: readonly ReceivedEvent[],
  signal: AbortSignal,
): Promise<number> {
  const { binding, retry, invoke, log, random, functionName, running } = options;
  const key = `${functionName} ${partition.partitionId}`;
  const attempt = (batch: readonly ReceivedEvent[]) => async (retryContext: RetryContext | undefined) => {
    let call: Call;
    try {
      call = { ...toCall(binding, batch, partition), retryContext: toldContext(retry, retryContext) };
    } catch (error) {
      log('error', `Function.${functionName}`, `failed before it was called: ${messageOf(error)}`);
      throw error;
    }
    if (retry) running.begin(key, { ...endsOf(batch), retryCount: retryContext?.retryCount ?? 0 });
    await invoke(call);
  };
  const run = async (batch: readonly ReceivedEvent[]) => {
    const { first, last } = endsOf(batch);
    const ending = await runWithRetries(attempt(batch), {
      policy: retry,
      triedBefore: running.triedBefore(key, first, last),
      signal,
      random,
      sleep: (delayMs, until) => delay(delayMs, undefined, { signal: until }).catch(() => undefined),
      onRetry: (count, delayMs) =>
        log(
          'warning',
          `Function.${functionName}`,
          `partition ${partition.partitionId}: retry ${count} in ${(delayMs / 1000).toFixed(1)} s`,
        ),
    });
    if (retry && ending !== 'given-up') running.end(key); // what is given up is the next worker's, as a retry
    return ending;
  };
  const batches = binding.cardinality === 'many' ? running.partsOf(key, events) : events.map(event => [event]);
  let done = 0;
  for (const batch of batches) {
    if ((done > 0 && signal.aborted) || (await run(batch)) === 'given-up') break;
    done += batch.length;
  }
  return done;
}

const endsOf = (events: readonly ReceivedEvent[]) => ({
  first: events[0]?.sequenceNumber ?? 0,
  last: events.at(-1)?.sequenceNumber ?? 0,
});

export function initialPosition({ type, enqueuedTimeUtc }: EventHubsOptions['initialOffsetOptions']): Position {
  if (type === 'fromend') return { kind: 'offset', after: '@latest' };
  if (type !== 'fromenqueuedtime') return { kind: 'offset', after: '-1' };
  const afterMs = Date.parse(enqueuedTimeUtc ?? '');
  if (Number.isNaN(afterMs)) {
    throw new SetupError(
      `host.json: initialOffsetOptions.type "fromEnqueuedTime" needs enqueuedTimeUtc, a time like "2026-11-21T09:00:00Z"; got ${JSON.stringify(enqueuedTimeUtc)}`,
    );
  }
  return { kind: 'enqueued-time', afterMs };
}

/** The hub's partitions, asked for until the namespace answers. */
async function describeHub(
  { functionName, binding, connection }: EventHubTriggerOptions,
  say: (level: 'debug' | 'information' | 'warning', message: string) => void,
  signal: AbortSignal,
): Promise<{ fullyQualifiedNamespace: string; eventHubName: string; partitionIds: string[] }> {
  for (let attempt = 0; ; attempt++) {
    const client = openClient(binding, connection);
    try {
      const partitionIds = await client.getPartitionIds();
      return {
        fullyQualifiedNamespace: client.fullyQualifiedNamespace,
        eventHubName: client.eventHubName,
        partitionIds,
      };
    } catch (error) {
      const { code } = error as { code?: string };
      if (code === 'MessagingEntityNotFoundError' || code === 'UnauthorizedError' || signal.aborted) {
        throw new SetupError(
          `function ${functionName}: event hub "${binding.eventHubName}" at ${client.fullyQualifiedNamespace}: ${messageOf(error)}`,
        );
      }
      if (attempt === 0)
        say('warning', `${client.fullyQualifiedNamespace} does not answer (${messageOf(error)}); trying until it does`);
      await delay(500);
    } finally {
      await client.close().catch(() => undefined);
    }
  }
}

function openClient(
  { consumerGroup, eventHubName }: EventHubBinding,
  connection: EventHubsConnection,
): EventHubConsumerClient {
  const options = { retryOptions: { maxRetries: 0, timeoutInMs: 5_000 } };
  return connection.kind === 'identity'
    ? new EventHubConsumerClient(consumerGroup, connection.namespace, eventHubName, connection.credential, options)
    : new EventHubConsumerClient(consumerGroup, connection.connectionString, eventHubName, options);
}

const ASK_EVERY_MS = 10_000;

/** Asks for the hub's partitions now and then, which nobody waits for; what was known last holds meanwhile. */
function watchPartitions({ binding, connection, clock }: EventHubTriggerOptions, known: readonly string[]) {
  let partitionIds = known;
  let askedAtMs = clock();
  let client: EventHubConsumerClient | undefined;
  const ask = async (): Promise<void> => {
    client ??= openClient(binding, connection);
    try {
      partitionIds = await client.getPartitionIds();
    } catch {
      await client.close().catch(() => undefined);
      client = undefined;
    }
  };
  return {
    ids(): readonly string[] {
      if (clock() - askedAtMs >= ASK_EVERY_MS) {
        askedAtMs = clock();
        void ask();
      }
      return partitionIds;
    },
    close: async () => client?.close().catch(() => undefined),
  };
}
