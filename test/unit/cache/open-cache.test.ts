import { afterEach, describe, expect, it } from 'vitest';
import { type OpenedCache, openCache } from '../../../src/cache/open-cache.ts';
import { isRedisUrl } from '../../../src/cache/redis-url.ts';
import { readSettings } from '../../../src/config/config.ts';

/** Each holds `s3cr` where it holds a password. */
const MALFORMED = [
  'redis://:s3cr#et@127.0.0.1:6379',
  'redis://s3cr#et@127.0.0.1:6379', // a host named s3cr, by the letter of URLs
  'redis://s3cr?et@127.0.0.1:6379',
  'redis://default:6379#s3cr@127.0.0.1',
  'rediss://:s3cr/et@cache.example:10000',
  'redis://:s3cr%ZZ@127.0.0.1:6379',
  '127.0.0.1:6379',
  'localhost:6379',
  'http://:s3cr@127.0.0.1:6379',
  'redis://127.0.0.1:99999',
  'redis:6379',
  'redis://',
  ' ',
];

const warnings: string[] = [];
const log = { info() {}, warn: (text: string) => void warnings.push(text), error() {} };
const opened: (OpenedCache | undefined)[] = [];

async function open(environment: Record<string, string>): Promise<OpenedCache | undefined> {
  warnings.length = 0;
  const cache = await openCache(readSettings(environment), log, () =>
    Promise.reject(new Error('nobody signs in here')),
  );
  opened.push(cache);
  return cache;
}

afterEach(async () => {
  for (const cache of opened.splice(0)) await cache?.cache.close();
});

describe('result cache', () => {
  it.each(MALFORMED)(
    'stays within the process where REDIS_URL is %j, and says so once without showing it',
    async url => {
      const found = await open({ REDIS_URL: url });
      expect(found).toMatchObject({ breaker: undefined, ignored: ['REDIS_URL'] });
      found?.cache.store([['key', { prediction: 'Yes' }]]);
      expect(await found?.cache.lookUp(['key', 'other'])).toEqual([{ prediction: 'Yes' }, undefined]);
      expect(warnings).toEqual([expect.stringMatching(/REDIS_URL is no Redis URL.*rediss?\S*:\/\//s)]);
      expect(warnings[0]).not.toMatch(/s3cr|127\.0\.0\.1|localhost|6379|99999/);
    },
  );

  it('goes to Redis where REDIS_URL says where that is', async () => {
    const found = await open({ REDIS_URL: 'redis://:s3cr%23et@127.0.0.1:1' });
    expect(found).toMatchObject({ ignored: [] });
    expect(found?.breaker?.()).toBe('closed');
  });

  it('needs no REDIS_URL', async () => {
    expect(await open({})).toMatchObject({ breaker: undefined, ignored: [] });
    expect(await open({ CACHE_ENTRIES: '0', REDIS_URL: 'http://nowhere' })).toBeUndefined();
    expect(warnings).toEqual([]);
  });
});

it.each([
  'redis://127.0.0.1',
  'redis://:p%40ss%2Fword@127.0.0.1:6379/2',
  'rediss://user:p@ss@cache.example:10000',
  'redis://[::1]:6379',
  'redis://cache.example?protocol=3',
  'unix:///run/redis.sock',
])('%s is a Redis URL', url => {
  expect(isRedisUrl(url)).toBe(true);
});
