import type { Settings } from '../config/settings.ts';
import type { ResultCache } from '../core/cache.ts';
import type { Log } from '../core/log.ts';
import type { BreakerState } from '../core/retry-policies.ts';
import { createMemoryCache } from './memory-cache.ts';
import { createTieredCache } from './tiered-cache.ts';

export interface OpenedCache {
  readonly cache: ResultCache;
  /** Of the circuit to Redis; undefined without one. */
  readonly breaker: (() => BreakerState) | undefined;
  /** Settings that it does without, since their value cannot be used. */
  readonly ignored: readonly (keyof Settings)[];
}

/** The identity with a client id, or the default one. */
export type CredentialOf = (
  clientId: string | undefined,
) => Promise<{ getToken(scope: string): Promise<{ readonly token: string }> }>;

const MIB = 1024 * 1024;
/** A look-up waits no longer: inferring a batch takes some milliseconds. */
const REDIS_TIMEOUT_MS = 250;

/** The result cache as the settings want it; undefined where they turn it off. A REDIS_URL that is none costs the shared half, never the scoring. */
export async function openCache(
  settings: Settings,
  log: Log,
  credentialOf: CredentialOf,
): Promise<OpenedCache | undefined> {
  const { CACHE_ENTRIES, CACHE_MB, CACHE_TTL_SECONDS, REDIS_URL } = settings;
  if (CACHE_ENTRIES === 0) return undefined;
  const near = createMemoryCache({
    maxEntries: CACHE_ENTRIES,
    maxBytes: CACHE_MB * MIB,
    ttlMs: CACHE_TTL_SECONDS * 1000,
  });
  if (!REDIS_URL) return { cache: near, breaker: undefined, ignored: [] };
  // A cold start without Redis does not pay for its client.
  const [{ createRedisCache }, { isRedisUrl, REDIS_URL_FORM }] = await Promise.all([
    import('./redis-cache.ts'),
    import('./redis-url.ts'),
  ]);
  if (!isRedisUrl(REDIS_URL)) {
    log.warn(`result cache: REDIS_URL is no Redis URL, so instances share nothing; it takes ${REDIS_URL_FORM}`);
    return { cache: near, breaker: undefined, ignored: ['REDIS_URL'] };
  }
  const shared = createRedisCache({
    url: REDIS_URL,
    ttlSeconds: CACHE_TTL_SECONDS,
    credentials:
      settings.REDIS_AUTH === 'entra' ? await entraCredentials(settings.REDIS_CLIENT_ID, credentialOf) : undefined,
    timeoutMs: REDIS_TIMEOUT_MS,
    log,
  });
  return { cache: createTieredCache(near, shared), breaker: shared.breaker, ignored: [] };
}

/** Azure Managed Redis takes an Entra token as password and the object id of its principal as user name. */
async function entraCredentials(clientId: string | undefined, credentialOf: CredentialOf) {
  const credential = await credentialOf(clientId);
  return async () => {
    const { token } = await credential.getToken('https://redis.azure.com/.default');
    const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8')) as { oid: string };
    return { username: claims.oid, password: token };
  };
}
