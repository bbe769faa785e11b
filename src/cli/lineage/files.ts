import type { Settings } from '../../config/settings.ts';
import { BlobGone } from '../../core/blobs.ts';
import { membersOf, type VersionPin } from '../../core/ensemble-card.ts';
import { parseCard } from '../../models/card.ts';
import type { ModelStore } from '../../models/store.ts';
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
  /** Of an ensemble its members, in the order of its card, each with its files; absent of what is none. */
  readonly members?: readonly MemberFiles[];
  /** The build behind the version's plus is another one than that of the files. */
  readonly isReplaced: boolean;
}

export interface MemberFiles extends VersionPin {
  readonly files: VersionFiles['hashes'];
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
  const hashes = await hashesOf(store, { name, version }, signal);
  const file = `${name}/${version}/model.json`;
  const raw =
    hashes['model.json'] === undefined
      ? NO_CARD
      : (parseCard((await store.readText(file, signal)).text, file) as unknown as Record<string, unknown>);
  const { training_data_hash, experiment_id, mlflow } = raw;
  const members: MemberFiles[] = [];
  for (const pin of membersOf(name, raw))
    members.push({ ...pin, files: await hashesOf(store, { name: pin.model, version: pin.version }, signal) });
  const from = typeof training_data_hash === 'string' ? training_data_hash : hashes['model.onnx'];
  return {
    hashes,
    card: { training_data_hash, experiment_id, mlflow },
    ...(members.length > 0 && { members }),
    isReplaced: build !== undefined && from !== undefined && !from.startsWith(build),
  };
}

/** SHA-256 of what lies in a version's folder, by name. */
async function hashesOf(store: ModelStore, of: Parameters<ModelStore['filesOf']>[0], signal: AbortSignal) {
  const hashes: Record<string, string> = {};
  for (const { path } of await store.filesOf(of, signal)) {
    const hash = await store.sha256Of(path, signal).catch(thrown => {
      if (thrown instanceof BlobGone) return undefined;
      throw thrown;
    });
    if (hash !== undefined) hashes[path.slice(`${of.name}/${of.version}/`.length)] = hash;
  }
  return hashes;
}
