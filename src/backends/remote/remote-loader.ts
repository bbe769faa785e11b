import type { Loader } from '../../core/loader.ts';
import type { Breaker } from '../../core/retry-policies.ts';
import type { RemoteOptions } from './open-remote.ts';

export interface RemoteLoader extends Loader {
  /** Of each server, by its host. */
  breakers(): Readonly<Record<string, Breaker['state']>>;
}

/** Models that a server has: a card with `"backend"` and no file. What speaks to servers is loaded once there is such a card. */
export function createRemoteLoader(options: RemoteOptions): RemoteLoader {
  const breakers = new Map<string, Breaker>();
  return {
    takes: card => card.backend != null,
    async open(source) {
      const { openRemote } = await import('./open-remote.ts');
      return openRemote(source, options, breakers);
    },
    breakers: () => Object.fromEntries([...breakers].map(([host, { state }]) => [host, state])),
    async close() {},
  };
}
