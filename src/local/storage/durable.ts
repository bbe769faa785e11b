import type { Server, ServerResponse } from 'node:http';
import { promisify } from 'node:util';

/** Azurite's stores, as far as they matter here. */
interface Stores {
  readonly httpServer: Server;
  readonly metadataStore: { readonly db: LokiDatabase };
  readonly extentMetadataStore: { readonly db: LokiDatabase };
}

/**
 * Holds back the answer to every request that changes something until the change is in Azurite's files. Azurite itself
 * saves every five seconds, so a SIGKILL would lose what it acknowledged. Requests that come while a save runs share the next.
 */
export function answerWhenSaved({ httpServer, metadataStore, extentMetadataStore }: Stores): void {
  const saveExtents = promisify((done: (error?: Error | null) => void) => extentMetadataStore.db.saveDatabase(done));
  const saveBlobs = promisify((done: (error?: Error | null) => void) => metadataStore.db.saveDatabase(done));
  httpServer.prependListener('request', ({ method }, response) => {
    if (method === 'GET' || method === 'HEAD') return;
    // Extents first: blob metadata that names an extent unknown to the extent file cannot be read.
    endAfter(response, () => saveExtents().then(() => saveBlobs()));
  });
}

function endAfter(response: ServerResponse, save: () => Promise<void>): void {
  const end = response.end.bind(response) as (...args: unknown[]) => ServerResponse;
  response.end = (...args: unknown[]) => {
    response.end = end as ServerResponse['end'];
    save().then(
      () => end(...args),
      error => response.destroy(error),
    );
    return response;
  };
}
