import { TimeoutStrategy, timeout } from 'cockatiel';
import { createClient } from 'redis';
import type { ResultCache } from '../core/cache.ts';
import { asError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { Prediction } from '../core/prediction.ts';
import { type BreakerState, createBreaker } from '../core/retry-policies.ts';

export interface RedisCacheOptions {
  /** One that `isRedisUrl` takes. */
  readonly url: string;
  readonly ttlSeconds: number;
  /** Entra credentials for a URL without password: user name (object id) and token, asked for at every connection. */
  readonly credentials: (() => Promise<{ username: string; password: string }>) | undefined;
  /** A look-up that takes longer is given up: inference is nearer than a slow cache. */
  readonly timeoutMs: number;
  readonly log: Log;
}

/** Failures in a row that open the circuit, and how long it stays open. */
const FAILURES = 5;
const OPEN_MS = 60_000;
/** Keys waiting to be written; more are dropped, so that a slow Redis never holds memory. */
const MAX_WRITING = 10_000;

/**
 * Predictions shared by all instances, in Redis. While Redis is away every key is unknown and nothing queues; while it is
 * there but does not answer, five failures in a row open the circuit and none is tried for a minute.
 */
export function createRedisCache(options: RedisCacheOptions): ResultCache & { readonly breaker: () => BreakerState } {
  const { log } = options;
  let hits = 0;
  let misses = 0;
  let writing = 0;
  const client = createClient({
    url: options.url,
    disableOfflineQueue: true,
    socket: { connectTimeout: 5000, reconnectStrategy: attempt => Math.min(100 * 2 ** attempt, 10_000) },
    ...(options.credentials && {
      credentialsProvider: { type: 'async-credentials-provider' as const, credentials: options.credentials },
    }),
  });
  let away = false;
  client.on('error', error => {
    if (!away) log.warn(`result cache: Redis is away, inferring without it: ${asError(error).message}`);
    away = true;
  });
  client.on('ready', () => {
    if (away) log.info('result cache: Redis is back');
    away = false;
  });
  void client.connect().catch(() => undefined); // said by the error listener

  const breaker = createBreaker({ name: 'Redis', failures: FAILURES, resetMs: OPEN_MS, log }, () => true);
  const patience = timeout(options.timeoutMs, TimeoutStrategy.Aggressive);

  return {
    async lookUp(keys) {
      const texts = client.isReady
        ? await breaker.execute(() => patience.execute(() => client.mGet([...keys]))).catch(() => undefined)
        : undefined;
      const found = keys.map((_, i) => parse(texts?.[i]));
      const known = found.reduce((count, prediction) => (prediction ? count + 1 : count), 0);
      hits += known;
      misses += keys.length - known;
      return found;
    },
    store(entries) {
      if (!client.isReady || writing + entries.length > MAX_WRITING) return;
      writing += entries.length;
      const writes = entries.map(([key, prediction]) =>
        client.set(key, JSON.stringify(prediction), { expiration: { type: 'EX', value: options.ttlSeconds } }),
      );
      void Promise.allSettled(writes).then(() => {
        writing -= entries.length;
      });
    },
    get counts() {
      return { hits, misses, evictions: 0 };
    },
    breaker: () => breaker.state,
    async close() {
      if (client.isOpen) client.destroy();
    },
  };
}

function parse(text: string | null | undefined): Prediction | undefined {
  if (!text) return undefined;
  try {
    return JSON.parse(text) as Prediction;
  } catch {
    return undefined; // another program's key
  }
}
