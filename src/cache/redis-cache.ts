import { TimeoutStrategy, timeout } from 'cockatiel';
import { createClient } from 'redis';
import { z } from 'zod';
import type { Remembered, ResultCache } from '../core/cache.ts';
import { asError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
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

/** Before every key: whose it is, and how what lies there is written. Raise the number with the form. */
const PREFIX = 'hubscore:2:';
/** What lies there: when it was scored, and the prediction. Whoever else writes to this Redis, nothing but a prediction goes out. */
const STORED = z.tuple([
  z.number(),
  z.strictObject({
    prediction: z.json(),
    probabilities: z.union([z.record(z.string(), z.number()), z.array(z.number())]).optional(),
    confidence: z.number().optional(),
    outputs: z.record(z.string(), z.json()).optional(),
  }),
]);

export interface RedisCache extends ResultCache {
  readonly breaker: () => BreakerState;
  /** As `lookUp`, with the times of scoring. */
  lookUpOlder(keys: readonly string[]): Promise<readonly (Remembered | undefined)[]>;
}

/**
 * Predictions shared by all instances, in Redis. While Redis is away every key is unknown and nothing queues; while it is
 * there but does not answer, five failures in a row open the circuit and none is tried for a minute.
 */
export function createRedisCache(options: RedisCacheOptions): RedisCache {
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

  async function lookUpOlder(keys: readonly string[]): Promise<readonly (Remembered | undefined)[]> {
    const names = keys.map(key => PREFIX + key);
    const texts = client.isReady
      ? await breaker.execute(() => patience.execute(() => client.mGet(names))).catch(() => undefined)
      : undefined;
    const oldestMs = Date.now() - options.ttlSeconds * 1000;
    const found = keys.map((_, i) => parse(texts?.[i], oldestMs));
    const known = found.reduce((count, remembered) => (remembered ? count + 1 : count), 0);
    hits += known;
    misses += keys.length - known;
    return found;
  }

  return {
    lookUp: async keys => (await lookUpOlder(keys)).map(remembered => remembered?.prediction),
    lookUpOlder,
    store(entries) {
      if (!client.isReady || writing + entries.length > MAX_WRITING) return;
      writing += entries.length;
      const now = Date.now();
      const writes = entries.map(([key, prediction]) =>
        client.set(PREFIX + key, JSON.stringify([now, prediction]), {
          expiration: { type: 'EX', value: options.ttlSeconds },
        }),
      );
      void Promise.allSettled(writes).then(() => {
        writing -= entries.length;
      });
    },
    bypass() {}, // the near cache counts it
    get counts() {
      return { hits, misses, evictions: 0, bypassed: 0 };
    },
    breaker: () => breaker.state,
    async close() {
      if (client.isOpen) client.destroy();
    },
  };
}

function parse(text: string | null | undefined, oldestMs: number): Remembered | undefined {
  if (!text) return undefined;
  try {
    const { data } = STORED.safeParse(JSON.parse(text));
    if (!data || data[0] <= oldestMs) return undefined;
    return { scoredAtMs: data[0], prediction: data[1] };
  } catch {
    return undefined; // no JSON
  }
}
