import { setTimeout as sleep } from 'node:timers/promises';
import { EventHubConsumerClient } from '@azure/event-hubs';
import { createSdkReader } from '../../src/hubs/sdk-reader.ts';
import { findStanding } from '../../src/ledger/find-standing.ts';
import { DEAD_LETTERS, REQUESTS, RESULTS } from '../support/scoring.ts';

const LOOK_EVERY_MS = 150;
const NO_RETRIES = { retryOptions: { maxRetries: 0, timeoutInMs: 3_000 } };
const quiet = { info: () => {}, warn: () => {}, error: () => {} };

/** Looks from outside at how many endings there are, whatever happens to those who make them. */
export interface Watch {
  /** Waits until there are more endings than now in every partition; how long that took, at most `mostMs`. Undefined where `enough` says so before. */
  progress(mostMs: number, enough: () => boolean): Promise<number | undefined>;
  /** Waits until every request has been settled, as the tails tell; false where `mostMs` is over before. */
  settled(mostMs: number): Promise<boolean>;
}

export function watchEndings(connectionString: string): Watch {
  /** A client whose connection broke may hang in a request; so each look has a time limit, and a failed one a new client. */
  async function looking<T>(
    hubs: readonly string[],
    look: (clients: EventHubConsumerClient[]) => Promise<T>,
  ): Promise<T> {
    const clients = hubs.map(hub => new EventHubConsumerClient('monitor', connectionString, hub, NO_RETRIES));
    try {
      return await look(clients);
    } finally {
      await Promise.allSettled(clients.map(client => client.close()));
    }
  }

  /** Events that the hubs have ever had, by partition, all hubs together. */
  async function count(clients: readonly EventHubConsumerClient[]): Promise<number[]> {
    const partitions = (await clients[0]?.getPartitionIds()) ?? [];
    return Promise.all(
      partitions.map(async partition => {
        const ranges = await Promise.all(clients.map(client => client.getPartitionProperties(partition)));
        return ranges.reduce((sum, range) => sum + range.lastEnqueuedSequenceNumber + 1, 0);
      }),
    );
  }

  return {
    async progress(mostMs, enough) {
      const startedAt = performance.now();
      const passed = () => performance.now() - startedAt;
      let first: number[] | undefined;
      while (passed() < mostMs && !enough()) {
        try {
          await looking([RESULTS, DEAD_LETTERS], async clients => {
            while (passed() < mostMs && !enough()) {
              const endings = await count(clients);
              first ??= endings;
              if (endings.every((number, partition) => number > (first?.[partition] ?? 0))) return;
              await sleep(LOOK_EVERY_MS);
            }
          });
          break;
        } catch {
          await sleep(LOOK_EVERY_MS);
        }
      }
      return enough() ? undefined : passed();
    },
    async settled(mostMs) {
      const startedAt = performance.now();
      while (performance.now() - startedAt < mostMs) {
        try {
          if (await isSettled(connectionString)) return true;
        } catch {
          // looked at again
        }
        await sleep(2 * LOOK_EVERY_MS);
      }
      return false;
    },
  };
}

async function isSettled(connectionString: string): Promise<boolean> {
  const reader = (hub: string) =>
    createSdkReader({
      hub,
      consumerGroups: ['monitor'],
      connect: async group => new EventHubConsumerClient(group, connectionString, hub, NO_RETRIES),
      blockSize: 256,
      idleTimeoutMs: 3_000,
    });
  const hubs = { requests: reader(REQUESTS), results: reader(RESULTS), deadLetters: reader(DEAD_LETTERS) };
  const signal = AbortSignal.timeout(5_000);
  try {
    for (const partition of (await hubs.requests.describe(signal)).partitions) {
      const [asked, ended] = [
        await hubs.requests.range(partition, signal),
        await hubs.results.range(partition, signal),
      ];
      if (asked.empty) continue;
      if (ended.empty) return false;
      const { standing } = await findStanding(
        partition,
        undefined,
        { hubs, initialPosition: 'start', log: quiet },
        signal,
      );
      if (standing.settledThrough < asked.last) return false;
    }
    return true;
  } finally {
    await Promise.allSettled(Object.values(hubs).map(hub => hub.close()));
  }
}
