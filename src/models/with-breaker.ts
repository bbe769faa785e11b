import type { Breaker } from '../core/retry-policies.ts';
import type { ModelStore } from './store.ts';

/** A store that is not asked while it is known to be away: what is loaded serves on, and what waits for a model fails at once. */
export function withBreaker(store: ModelStore, breaker: Breaker): ModelStore {
  return {
    list: signal => breaker.execute(() => store.list(signal)),
    readText: (path, signal) => breaker.execute(() => store.readText(path, signal)),
    read: (path, offset, etag, signal) => breaker.execute(() => store.read(path, offset, etag, signal)),
    writeText: (path, text, condition, signal) => breaker.execute(() => store.writeText(path, text, condition, signal)),
    writeFile: (path, file, sha256, signal) => breaker.execute(() => store.writeFile(path, file, sha256, signal)),
    sha256Of: (path, signal) => breaker.execute(() => store.sha256Of(path, signal)),
  };
}
