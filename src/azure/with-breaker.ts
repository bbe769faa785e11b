import type { Blobs } from '../core/blobs.ts';
import type { Breaker } from '../core/retry-policies.ts';

/** Blobs that are not asked for while storage is known to be away: what is loaded serves on, and what waits for one fails at once. */
export function withBreaker(blobs: Blobs, breaker: Breaker): Blobs {
  const guarded =
    <Args extends unknown[], T>(work: (...args: Args) => Promise<T>) =>
    (...args: Args): Promise<T> =>
      breaker.execute(() => work(...args));
  return {
    list: guarded(blobs.list),
    readText: guarded(blobs.readText),
    read: guarded(blobs.read),
    properties: guarded(blobs.properties),
    writeText: guarded(blobs.writeText),
    writeFile: guarded(blobs.writeFile),
    delete: guarded(blobs.delete),
  };
}
