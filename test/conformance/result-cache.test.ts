import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createMemoryCache } from '../../src/cache/memory-cache.ts';
import { createRedisCache } from '../../src/cache/redis-cache.ts';
import { createTieredCache } from '../../src/cache/tiered-cache.ts';
import type { ResultCache } from '../../src/core/cache.ts';
import type { Log } from '../../src/core/log.ts';
import { hasRedis, type RedisServer, startRedis } from '../support/redis.ts';

const quiet: Log = { info: () => {}, warn: () => {}, error: () => {} };
const memory = () => createMemoryCache({ maxEntries: 100, maxBytes: 100_000, ttlMs: 60_000 });
const overRedis = (url: string, log = quiet) =>
  createRedisCache({ url, ttlSeconds: 60, credentials: undefined, timeoutMs: 500, log });

let redis: RedisServer | undefined;
beforeAll(async () => {
  redis = hasRedis() ? await startRedis() : undefined;
});
afterAll(async () => redis?.kill());

const implementations: [string, () => Promise<ResultCache>][] = [
  ['memory', async () => memory()],
  ...(hasRedis()
    ? ([
        ['redis', async () => connected(overRedis(redis?.url as string))],
        ['memory before redis', async () => connected(createTieredCache(memory(), overRedis(redis?.url as string)))],
      ] as [string, () => Promise<ResultCache>][])
    : []),
];

/** Waits until what is stored can be looked up. */
async function connected(cache: ResultCache): Promise<ResultCache> {
  await vi.waitFor(
    async () => {
      cache.store([['probe', { prediction: 1 }]]);
      await sleep(5);
      expect((await cache.lookUp(['probe']))[0]).toBeDefined();
    },
    { timeout: 10_000 },
  );
  return cache;
}

describe.each(implementations)('result cache: %s', (_name, open) => {
  it('answers in the order of the keys, undefined for those it does not know', async () => {
    const cache = await open();
    const prediction = { prediction: 'Yes', probabilities: { No: 0.1, Yes: 0.9 }, confidence: 0.9 };
    cache.store([
      ['a', prediction],
      ['c', { prediction: 0.1 + 0.2 }],
    ]);
    await vi.waitFor(async () => expect((await cache.lookUp(['c']))[0]).toBeDefined());
    expect(await cache.lookUp(['c', 'b', 'a'])).toEqual([{ prediction: 0.1 + 0.2 }, undefined, prediction]);
    await cache.close();
  });

  it('counts hits and misses', async () => {
    const cache = await open();
    cache.store([['k', { prediction: 1 }]]);
    await vi.waitFor(async () => expect((await cache.lookUp(['k']))[0]).toBeDefined());
    const before = cache.counts;
    await cache.lookUp(['k', 'absent']);
    expect(cache.counts.hits - before.hits).toBe(1);
    expect(cache.counts.misses - before.misses).toBe(1);
    await cache.close();
  });
});

describe('memory cache', () => {
  it('stays within its entries and bytes, and counts what it drops', () => {
    const cache = createMemoryCache({ maxEntries: 3, maxBytes: 100_000, ttlMs: 60_000 });
    cache.store([1, 2, 3, 4, 5].map(i => [`k${i}`, { prediction: i }] as const));
    expect(cache.lookUp(['k1', 'k2', 'k5'])).toEqual([undefined, undefined, { prediction: 5 }]);
    expect(cache.counts.evictions).toBe(2);
    const small = createMemoryCache({ maxEntries: 1000, maxBytes: 1000, ttlMs: 60_000 });
    small.store(Array.from({ length: 50 }, (_, i) => [`k${i}`, { prediction: 'x'.repeat(100) }] as const));
    expect(small.counts.evictions).toBeGreaterThan(40);
  });
});

describe.runIf(hasRedis())('redis cache', () => {
  it('shares between processes through Redis', async () => {
    const url = redis?.url as string;
    const one = await connected(overRedis(url));
    const other = await connected(createTieredCache(memory(), overRedis(url)));
    one.store([['shared', { prediction: 42 }]]);
    await vi.waitFor(async () => expect(await other.lookUp(['shared'])).toEqual([{ prediction: 42 }]));
    await Promise.all([one.close(), other.close()]);
  });

  it.each([
    '5',
    '[]',
    '"text"',
    'null',
    'no JSON',
    '{"prediction":"Yes"}',
    '[1,{"probabilities":{}}]',
    `[${Date.now()},{"prediction":1,"confidence":"high"}]`,
    `[${Date.now()},{"prediction":1,"more":2}]`,
    `["${Date.now()}",{"prediction":1}]`,
  ])('takes what lies under its key and is no prediction for nothing there: %s', async text => {
    const cache = await connected(overRedis(redis?.url as string));
    cache.store([['odd', { prediction: 7 }]]);
    await vi.waitFor(async () => expect(await cache.lookUp(['odd'])).toEqual([{ prediction: 7 }]));
    await redis?.command('SET', 'hubscore:2:odd', text);
    expect(await cache.lookUp(['odd'])).toEqual([undefined]);
    await cache.close();
  });

  it('keeps a prediction for one lifetime, from when it was made, near and far together', async () => {
    const url = redis?.url as string;
    const near = createMemoryCache({ maxEntries: 100, maxBytes: 100_000, ttlMs: 10_000 });
    const far = createRedisCache({ url, ttlSeconds: 10, credentials: undefined, timeoutMs: 2_000, log: quiet });
    const cache = await connected(createTieredCache(near, far));
    const madeAtMs = Date.now() - 7_000;
    await redis?.command('SET', 'hubscore:2:aging', JSON.stringify([madeAtMs, { prediction: 1 }]));
    await redis?.command('SET', 'hubscore:2:old', JSON.stringify([madeAtMs - 3_000, { prediction: 1 }]));
    expect(await cache.lookUp(['aging', 'old'])).toEqual([{ prediction: 1 }, undefined]);
    expect(near.lookUp(['aging'])).toEqual([{ prediction: 1 }]);
    await sleep(madeAtMs + 10_100 - Date.now());
    expect(near.lookUp(['aging'])).toEqual([undefined]);
    await cache.close();
  });

  it('knows nothing while Redis is away, says so once, and recovers', async () => {
    const own = await startRedis();
    const warnings: string[] = [];
    const cache = await connected(overRedis(own.url, { ...quiet, warn: (text: string) => void warnings.push(text) }));
    await own.kill();
    expect(await cache.lookUp(['probe'])).toEqual([undefined]);
    cache.store([['probe', { prediction: 2 }]]);
    expect(await cache.lookUp(['probe', 'other'])).toEqual([undefined, undefined]);
    await vi.waitFor(() => expect(warnings.filter(text => text.includes('away'))).toHaveLength(1));
    await own.restart();
    await connected(cache);
    await cache.close();
    await own.kill();
  });

  it('goes on reading where Redis takes no more writes, and knows nothing where it lets nobody in', async () => {
    const own = await startRedis();
    const cache = await connected(overRedis(own.url));
    await own.command('CONFIG', 'SET', 'maxmemory', '1');
    cache.store([['refused', { prediction: 1 }]]);
    await sleep(50);
    expect(await cache.lookUp(['probe', 'refused'])).toEqual([{ prediction: 1 }, undefined]);
    await own.command('CONFIG', 'SET', 'requirepass', 's3cret');
    const warnings: string[] = [];
    const wrong = overRedis(own.url.replace('//', '//:wr0ng@'), {
      ...quiet,
      warn: (text: string) => void warnings.push(text),
    });
    await vi.waitFor(() => expect(warnings).toHaveLength(1), { timeout: 5_000 });
    expect(warnings[0]).not.toContain('wr0ng');
    wrong.store([['k', { prediction: 1 }]]);
    expect(await wrong.lookUp(['k'])).toEqual([undefined]);
    await Promise.all([cache.close(), wrong.close()]);
    await own.kill();
  });

  it('knows what it was told or nothing where Redis evicts', async () => {
    const own = await startRedis();
    const cache = await connected(overRedis(own.url));
    const used = Number(/used_memory:(\d+)/.exec(String(await own.command('INFO', 'memory')))?.[1]);
    await own.command('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru');
    await own.command('CONFIG', 'SET', 'maxmemory', String(used + 200_000));
    const keys = Array.from({ length: 5_000 }, (_, i) => `evicted-${i}`);
    cache.store(keys.map((key, i) => [key, { prediction: i }]));
    await vi.waitFor(async () => expect(await own.command('INFO', 'stats')).not.toMatch(/evicted_keys:0/), 10_000);
    const known = await cache.lookUp(keys);
    expect(known.filter((prediction, i) => prediction !== undefined && prediction.prediction !== i)).toEqual([]);
    await cache.close();
    await own.kill();
  });

  it('starts without Redis', async () => {
    const cache = overRedis('redis://127.0.0.1:1');
    expect(await cache.lookUp(['k'])).toEqual([undefined]);
    await cache.close();
  });

  it('gives up a Redis that does not answer: the circuit opens after five failures', async () => {
    const own = await startRedis();
    const cache = createRedisCache({ url: own.url, ttlSeconds: 60, credentials: undefined, timeoutMs: 20, log: quiet });
    await connected(cache);
    own.pause();
    for (let i = 0; i < 5; i++) expect(await cache.lookUp(['probe'])).toEqual([undefined]);
    expect(cache.breaker()).toBe('open');
    own.resume();
    await cache.close();
    await own.kill();
  });
});
