import type { Settings } from '../../config/settings.ts';
import { BlobGone } from '../../core/blobs.ts';
import { parseCard } from '../../models/card.ts';
import { openStore } from '../model-room.ts';

/** What storage has of the version that answered. */
export interface VersionFiles {
  /** SHA-256 by file name, hex; none where the version is gone. */
  readonly hashes: Readonly<Record<string, string>>;
  /** What its card says of where it comes from. */
  readonly card: {
    readonly training_data_hash?: unknown;
    readonly experiment_id?: unknown;
    readonly mlflow?: unknown;
  };
  /** The build behind the version's plus is another one than that of the files. */
  readonly isReplaced: boolean;
}

const NO_CARD: Readonly<Record<string, unknown>> = {};
const NONE: VersionFiles = { hashes: {}, card: {}, isReplaced: false };

/** @param label as results name it: `1.1.0+a1b2c3d4` */
export async function filesOf(
  settings: Settings,
  name: string | undefined,
  label: string | undefined,
  signal: AbortSignal,
): Promise<VersionFiles> {
  const [version, build] = label?.split('+') ?? [];
  if (name === undefined || version === undefined) return NONE;
  const store = await openStore(settings);
  const hashes: Record<string, string> = {};
  for (const { path } of await store.filesOf({ name, version }, signal)) {
    const hash = await store.sha256Of(path, signal).catch(thrown => {
      if (thrown instanceof BlobGone) return undefined;
      throw thrown;
    });
    if (hash !== undefined) hashes[path.slice(`${name}/${version}/`.length)] = hash;
  }
  const file = `${name}/${version}/model.json`;
  const raw =
    hashes['model.json'] === undefined
      ? NO_CARD
      : (parseCard((await store.readText(file, signal)).text, file) as unknown as Record<string, unknown>);
  const { training_data_hash, experiment_id, mlflow } = raw;
  const from = typeof training_data_hash === 'string' ? training_data_hash : hashes['model.onnx'];
  return {
    hashes,
    card: { training_data_hash, experiment_id, mlflow },
    isReplaced: build !== undefined && from !== undefined && !from.startsWith(build),
  };
}
