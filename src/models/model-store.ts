import { createHash } from 'node:crypto';
import { type Blobs, ContainerMissing } from '../core/blobs.ts';
import { listingOf } from './listing.ts';
import type { ModelStore } from './store.ts';

/** The models of a container. */
export function createModelStore(blobs: Blobs): ModelStore {
  return {
    filesOf: ({ name, version }, signal) => blobs.list(`${name}/${version}/`, signal),
    async list(signal) {
      try {
        return listingOf(await blobs.list('', signal, 'error'));
      } catch (thrown) {
        if (!(thrown instanceof ContainerMissing)) throw thrown;
        return { models: new Map(), ignored: [], missing: true };
      }
    },
    readText: blobs.readText,
    readNewer: blobs.readNewer,
    read: blobs.read,
    writeText: blobs.writeText,
    properties: blobs.properties,
    delete: blobs.delete,
    async writeFile(path, file, sha256, signal) {
      await blobs.writeFile(path, file, { sha256 }, 'absent', signal);
    },
    async sha256Of(path, signal) {
      const { etag, metadata } = await blobs.properties(path, signal);
      if (metadata.sha256) return metadata.sha256;
      const hash = createHash('sha256');
      for await (const chunk of await blobs.read(path, 0, etag, signal)) hash.update(chunk);
      return hash.digest('hex');
    },
  };
}
