import { hash } from 'node:crypto';
import type { Backend } from '../core/backend.ts';
import { BlobGone } from '../core/blobs.ts';
import { asError, InfrastructureError } from '../core/errors.ts';
import type { Loader } from '../core/loader.ts';
import type { FallbackTarget, ModelVersion } from '../core/model.ts';
import { MAX_CARD_BYTES, NO_CARD, parseCard, type RawCard } from './card.ts';
import type { CachedFile, DiskCache } from './disk-cache.ts';
import { isDiskFailure } from './disk-room.ts';
import { ChecksumDiffers, type GatheredVersion, gatherVersion, openVersion } from './open-version.ts';
import { cardPath, type ModelStore, modelPath, type StoredVersion } from './store.ts';
import type { TriedFiles } from './tried.ts';

export interface LoadParts {
  readonly store: ModelStore;
  readonly cache: DiskCache;
  readonly loaders: readonly Loader[];
  /** Undefined: files are opened untried. */
  readonly tried?: TriedFiles | undefined;
  /** How many workers hold a model that runs in them, each for itself; absent: one. */
  readonly workers?: number | undefined;
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
 * Downloads one version, has it tried where that was not done yet, and opens it.
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
  const { raw, sha256: ofCard } = stored.cardEtag === undefined ? CARDLESS : await readCard(store, titles.card, signal);
  try {
    const file = stored.cardOnly ? noFile(titles.card, ofCard) : await cache.get(stored, signal);
    const source = { name, version, titles, raw, file, sha256: file.sha256 };
    const gathered = await gatherVersion(source, loaders);
    onBrought();
    return await openTried(parts, gathered, signal);
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

async function openTried(
  { tried, workers = 1 }: LoadParts,
  version: GatheredVersion,
  signal: AbortSignal,
): Promise<ModelVersion> {
  // What runs elsewhere can be tried only there.
  if (!tried || version.loader.runtime === undefined) return (await openVersion(version)).version;
  return tried.open(version, signal, async ({ memoryBytes }) => {
    const { version: opened } = await openVersion(version);
    const { placement } = opened.backend.info;
    return { ...opened, backend: measured(opened.backend, memoryBytes * (placement === 'worker' ? workers : 1)) };
  });
}

/** What others do in this process while it loads a model says nothing of the model. */
function measured(backend: Backend, memoryBytes: number): Backend {
  const info = { ...backend.info, memoryBytes };
  return {
    info,
    get status() {
      return backend.status;
    },
    load: async () => info,
    predict: (inputs, options) => backend.predict(inputs, options),
    close: () => backend.close(),
  };
}

interface ReadCard {
  readonly raw: RawCard;
  /** Hex, lower case. */
  readonly sha256: string;
}

const CARDLESS: ReadCard = { raw: NO_CARD, sha256: '' };

/** Of a model that a server has, whose card is all there is to tell one version's content from another. */
function noFile(path: string, sha256: string): CachedFile {
  const none = async () => {
    throw new Error(`${path}: there is no model file`);
  };
  const file = { path, sha256, bytes: 0, derive: none, has: async () => false };
  return { ...file, gather: async () => ({ file, beside: {} }) };
}

async function readCard(store: ModelStore, path: string, signal: AbortSignal): Promise<ReadCard> {
  try {
    const { text } = await store.readText(path, signal, MAX_CARD_BYTES);
    return { raw: parseCard(text, path), sha256: hash('sha256', text) };
  } catch (thrown) {
    if (thrown instanceof InfrastructureError || thrown instanceof BlobGone || signal.aborted) throw thrown;
    throw new BrokenModel((thrown as Error).message, undefined, { cause: thrown });
  }
}
