import { BlobGone } from '../core/blobs.ts';
import { asError, InfrastructureError } from '../core/errors.ts';
import type { Loader } from '../core/loader.ts';
import type { FallbackTarget, ModelVersion } from '../core/model.ts';
import { MAX_CARD_BYTES, NO_CARD, parseCard, type RawCard } from './card.ts';
import type { DiskCache } from './disk-cache.ts';
import { isDiskFailure } from './disk-room.ts';
import { ChecksumDiffers, openVersion } from './open-version.ts';
import { cardPath, type ModelStore, modelPath, type StoredVersion } from './store.ts';

export interface LoadParts {
  readonly store: ModelStore;
  readonly cache: DiskCache;
  readonly loaders: readonly Loader[];
}

/** Why a version cannot serve, and where its card says to turn. */
export class BrokenModel extends Error {
  override readonly name = 'BrokenModel';
  readonly fallback: FallbackTarget | undefined;

  constructor(message: string, fallback: FallbackTarget | undefined, options?: { cause?: unknown }) {
    super(message, options);
    this.fallback = fallback;
  }
}

/**
 * Downloads and opens one version.
 * @param onBrought told once storage has given what it holds of it: what takes longer from there on is the model's own
 * @throws BrokenModel naming file and cause; BlobGone where it was replaced meanwhile; InfrastructureError where storage or the disk fails.
 */
export async function loadVersion(
  parts: LoadParts,
  stored: StoredVersion,
  signal: AbortSignal,
  onBrought: () => void = () => {},
): Promise<ModelVersion> {
  const { store, cache, loaders } = parts;
  const { name, version } = stored;
  const titles = { model: modelPath(stored), card: cardPath(stored) };
  const raw = stored.cardEtag === undefined ? NO_CARD : await readCard(store, titles.card, signal);
  try {
    const file = await cache.get(stored, signal);
    onBrought();
    const opened = await openVersion({ name, version, titles, raw, file, sha256: file.sha256 }, loaders);
    return opened.version;
  } catch (thrown) {
    if (thrown instanceof InfrastructureError || thrown instanceof BlobGone || signal.aborted) throw thrown;
    const { message } = asError(thrown);
    // The model is not to blame: its events wait until there is room again, or the file that another process evicted is back.
    if (isDiskFailure(thrown)) throw new InfrastructureError(`model cache: ${message}`, { cause: thrown });
    if (thrown instanceof ChecksumDiffers) await cache.forget(stored);
    const fallback = raw.fallback && { model: raw.fallback.model, version: raw.fallback.version };
    throw new BrokenModel(message, fallback, { cause: thrown });
  }
}

async function readCard(store: ModelStore, path: string, signal: AbortSignal): Promise<RawCard> {
  try {
    const { text } = await store.readText(path, signal, MAX_CARD_BYTES);
    return parseCard(text, path);
  } catch (thrown) {
    if (thrown instanceof InfrastructureError || thrown instanceof BlobGone || signal.aborted) throw thrown;
    throw new BrokenModel((thrown as Error).message, undefined, { cause: thrown });
  }
}
