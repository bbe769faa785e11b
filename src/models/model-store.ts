import { createHash } from 'node:crypto';
import { type BlobEntry, BlobGone, type Blobs, BlobUnusable, ContainerMissing } from '../core/blobs.ts';
import { needsNoFile } from '../core/card-kind.ts';
import { MAX_CARD_BYTES } from './card.ts';
import { cardsAlone, listingOf } from './listing.ts';
import type { ModelStore } from './store.ts';

/** The models of a container. */
export function createModelStore(blobs: Blobs): ModelStore {
  /** Whether a card without a model file needs none, by its path and ETag: each is read once. */
  let complete = new Map<string, boolean>();

  /** One that a push has put there ahead of its file does. */
  async function isComplete({ path, bytes }: BlobEntry, signal: AbortSignal): Promise<boolean> {
    if (bytes > MAX_CARD_BYTES) return false;
    try {
      const { text } = await blobs.readText(path, signal, MAX_CARD_BYTES);
      return needsNoFile(JSON.parse(text.replace(/^\uFEFF/, '')));
    } catch (thrown) {
      if (thrown instanceof SyntaxError || thrown instanceof BlobGone || thrown instanceof BlobUnusable) return false;
      throw thrown;
    }
  }

  async function lookAtCards(
    entries: readonly BlobEntry[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, boolean>> {
    const seen = new Map<string, boolean>();
    for (const card of cardsAlone(entries)) {
      const key = keyOf(card);
      seen.set(key, complete.get(key) ?? (await isComplete(card, signal)));
    }
    complete = seen;
    return seen;
  }

  return {
    filesOf: ({ name, version }, signal) => blobs.list(`${name}/${version}/`, signal),
    async list(signal) {
      try {
        const entries = await blobs.list('', signal, 'error');
        const cards = await lookAtCards(entries, signal);
        return listingOf(entries, card => cards.get(keyOf(card)) === true);
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

function keyOf({ path, etag }: BlobEntry): string {
  return `${path} ${etag}`;
}
