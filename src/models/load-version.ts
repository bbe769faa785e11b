import { readOnnxFile } from '../backends/onnx/onnx-file.ts';
import type { OpenBackend } from '../core/backend.ts';
import type { Card, FallbackTarget, ModelVersion } from '../core/model.ts';
import { parseCard, type RawCard, wishesOf } from './card.ts';
import type { DiskCache } from './disk-cache.ts';
import { resolveCard } from './resolve-card.ts';
import { cardPath, type ModelStore, modelPath, type StoredVersion } from './store.ts';
import { warmUpPlan } from './warm-up-plan.ts';

export interface LoaderParts {
  readonly store: ModelStore;
  readonly cache: DiskCache;
  readonly openBackend: OpenBackend;
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
 * Downloads, opens and warms up one version.
 * @throws BrokenModel naming file and cause; BlobGone where it was replaced meanwhile; InfrastructureError where storage is away.
 */
export async function loadVersion(
  parts: LoaderParts,
  stored: StoredVersion,
  signal: AbortSignal,
): Promise<ModelVersion> {
  const raw = stored.cardEtag === undefined ? undefined : await readCard(parts.store, stored, signal);
  const fallback = raw?.fallback && { model: raw.fallback.model, version: raw.fallback.version };
  const broken = (cause: Error) => new BrokenModel(cause.message, fallback, { cause });
  const file = await parts.cache.get(stored, signal);
  const expected = raw?.sha256?.toLowerCase();
  if (expected && expected !== file.sha256) {
    await parts.cache.forget(stored);
    throw broken(
      new Error(
        `${modelPath(stored)}: checksum differs: ${cardPath(stored)} says ${expected}, the file has ${file.sha256}`,
      ),
    );
  }
  const { classes, rewritten } = await readOnnxFile(file.path);
  const path = rewritten ? await parts.cache.derive(file, 'tensors', rewritten) : file.path;
  let card: Card | undefined;
  const backend = parts.openBackend({
    title: modelPath(stored),
    file: path,
    bytes: file.bytes,
    wishes: raw && wishesOf(raw),
    plan(signature) {
      card = resolveCard(
        { name: stored.name, version: stored.version, file: cardPath(stored), raw, classes },
        signature,
      );
      return warmUpPlan(signature, card);
    },
  });
  try {
    const { signature } = await backend.load();
    return {
      name: stored.name,
      version: stored.version,
      label: labelOf(stored.version, raw, file.sha256),
      sha256: file.sha256,
      card: card!,
      signature,
      backend,
    };
  } catch (thrown) {
    await backend.close();
    throw broken(thrown as Error);
  }
}

async function readCard(store: ModelStore, stored: StoredVersion, signal: AbortSignal): Promise<RawCard> {
  const { text } = await store.readText(cardPath(stored), signal);
  try {
    return parseCard(text, cardPath(stored));
  } catch (thrown) {
    throw new BrokenModel((thrown as Error).message, undefined, { cause: thrown });
  }
}

/** `1.1.0+a1b2c3d4`: the version, and which data or else which file it was made of. */
export function labelOf(version: string, raw: RawCard | undefined, sha256: string): string {
  const hash = raw?.training_data_hash?.toLowerCase().match(/[0-9a-f]{8}/)?.[0] ?? sha256.slice(0, 8);
  return `${version}+${hash}`;
}
