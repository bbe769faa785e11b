import { createBlobs } from '../azure/blobs.ts';
import { consumerClient, producerClient } from '../azure/event-hubs.ts';
import { type Connection, eventHubsConnection, modelStorageConnection } from '../config/connection.ts';
import type { Settings } from '../config/settings.ts';
import type { HubReader } from '../core/hub-reader.ts';
import type { PartitionSender } from '../core/hub-sender.ts';
import type { Log } from '../core/log.ts';
import { createBreaker, createRetry } from '../core/retry-policies.ts';
import { createSdkReader } from '../hubs/sdk-reader.ts';
import { isFailureOfHub, readerWithBreaker, senderWithBreaker } from '../hubs/with-breaker.ts';
import { createAdmission } from '../ledger/admission.ts';
import { createPassedOverMarks } from '../ledger/passed-over-marks.ts';
import { type ReplayFilter, type ReplayReport, replay } from '../ledger/replay.ts';
import { createScorer, type ScorerOptions } from '../ledger/scorer.ts';
import type { Lifetime } from './parts.ts';

const MIB = 1024 * 1024;
/** In which BREAKER_FAILURES calls of a hub fail for it to be left alone. */
const FAILURES_WITHIN_MS = 60_000;
/** The replay's own consumer group of the dead-letter hub. */
const REPLAY_GROUP = 'replay';

/** Readers and senders of the hubs, and what is made of them. */
export type Events = Awaited<ReturnType<typeof openEvents>>;

/** The hubs as the settings want them. Nothing is connected before it is used. */
export async function openEvents(settings: Settings, log: Log, lifetime: Lifetime) {
  const connection = eventHubsConnection(settings);
  const recoveryGroups = settings.RECOVERY_CONSUMER_GROUPS;
  const open = (hub: string) => openReader(connection, hub, recoveryGroups);
  const breakerOf = (name: string) => {
    const { BREAKER_FAILURES: failures, BREAKER_RESET_SECONDS } = settings;
    return createBreaker(
      { name, failures, withinMs: FAILURES_WITHIN_MS, resetMs: BREAKER_RESET_SECONDS * 1000, log },
      isFailureOfHub,
    );
  };
  const breakers = { results: breakerOf('results hub'), deadLetters: breakerOf('dead-letter hub') };
  const hubs = {
    requests: open(settings.REQUESTS_HUB),
    results: readerWithBreaker(open(settings.RESULTS_HUB), breakers.results),
    deadLetters: readerWithBreaker(open(settings.DEAD_LETTER_HUB), breakers.deadLetters),
  };
  void import('../azure/bounded-sdk.ts'); // otherwise the first batch waits for it: 25 ms
  const opened = await openSenders(settings, connection);
  const throttled = { results: 0, 'dead-letters': 0 };
  const senders = {
    results: senderWithBreaker(opened.results, breakers.results, () => throttled.results++),
    deadLetters: senderWithBreaker(opened.deadLetters, breakers.deadLetters, () => throttled['dead-letters']++),
  };
  const passedOver = createPassedOverMarks(
    createBlobs(modelStorageConnection(settings), settings.MONITOR_CONTAINER),
    log,
  );
  lifetime.free(() => Promise.allSettled([opened.close(), ...Object.values(hubs).map(hub => hub.close())]));
  return {
    breakers: () => ({ results: breakers.results.state, 'dead-letters': breakers.deadLetters.state }),
    throttled: () => throttled,
    requests: hubs.requests,
    createScorer: (
      parts: Pick<ScorerOptions, 'score' | 'weigh' | 'renderDeadLetter' | 'observer' | 'inFlight' | 'clock'>,
    ) =>
      createScorer({
        ...parts,
        ledger: { hubs, initialPosition: settings.INITIAL_POSITION, log },
        passedOver,
        consumerGroup: settings.CONSUMER_GROUP,
        senders,
        refuseWhileAway() {
          breakers.results.check();
          breakers.deadLetters.check();
        },
        retry: createRetry({ retries: settings.SEND_RETRIES, initialDelayMs: 200, maxDelayMs: 5_000 }),
        uncertainDelayMs: 1_000,
        asCloudEvents: settings.RESULT_FORMAT === 'cloudevents',
        admission: createAdmission(settings.MAX_IN_FLIGHT_MB * MIB),
        maxSliceBytes: (settings.MAX_IN_FLIGHT_MB * MIB) / 4,
        deadlineMs: settings.BATCH_DEADLINE_SECONDS * 1000,
        silentAfterMs: settings.FILL_HOLES_AFTER_SECONDS * 1000,
        log,
      }),
    async replay(filter: ReplayFilter, signal: AbortSignal): Promise<ReplayReport> {
      const deadLetters = openReader(connection, settings.DEAD_LETTER_HUB, [REPLAY_GROUP]);
      const producer = await producerClient(connection, settings.REQUESTS_HUB);
      try {
        return await replay(
          { deadLetters, producer, filter, maxAttempts: settings.MAX_ATTEMPTS, dryRun: false },
          signal,
        );
      } finally {
        await Promise.allSettled([deadLetters.close(), producer.close()]);
      }
    },
  };
}

/** Reads a hub by the first of these consumer groups that lets it in. */
export function openReader(
  connection: Connection,
  hub: string,
  consumerGroups: readonly string[],
  blockSize = 256,
): HubReader {
  const connect = (group: string) => consumerClient(connection, hub, group);
  return createSdkReader({ hub, consumerGroups, connect, blockSize, idleTimeoutMs: 10_000 });
}

interface Senders {
  readonly results: PartitionSender;
  readonly deadLetters: PartitionSender;
  close(): Promise<void>;
}

async function openSenders(settings: Settings, connection: Connection): Promise<Senders> {
  const { RESULTS_HUB, DEAD_LETTER_HUB } = settings;
  if (settings.SENDER === 'sdk') {
    const { createSdkSender } = await import('../hubs/sdk-sender.ts');
    const open = async (hub: string) => createSdkSender(await producerClient(connection, hub));
    const [results, deadLetters] = [await open(RESULTS_HUB), await open(DEAD_LETTER_HUB)];
    return {
      results,
      deadLetters,
      close: async () => void (await Promise.all([results.close(), deadLetters.close()])),
    };
  }
  const [{ createAmqpSender }, { createAmqpConnection }, { namespaceAddress }] = await Promise.all([
    import('../hubs/amqp-sender.ts'),
    import('../hubs/amqp-connection.ts'),
    import('../azure/namespace-address.ts'),
  ]);
  const amqp = createAmqpConnection(await namespaceAddress(connection));
  const open = (hub: string) => createAmqpSender(amqp, { hub, sendTimeoutMs: settings.SEND_TIMEOUT_SECONDS * 1000 });
  const [results, deadLetters] = [open(RESULTS_HUB), open(DEAD_LETTER_HUB)];
  return {
    results,
    deadLetters,
    async close() {
      await Promise.all([results.close(), deadLetters.close()]);
      await amqp.close();
    },
  };
}
