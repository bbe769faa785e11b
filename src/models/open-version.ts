import type { Backend, WarmUpPlan } from '../core/backend.ts';
import { asError } from '../core/errors.ts';
import type { CardBeneath, Loader, ModelFile, OpenedModel } from '../core/loader.ts';
import type { Card, ModelVersion } from '../core/model.ts';
import { type RawCard, wishesOf } from './card.ts';
import { checkSchema } from './check-schema.ts';
import { pooledBackend } from './hugging-face/pooling.ts';
import { readTextFiles, textFilesBeside } from './hugging-face/text-files.ts';
import { judgeOutputs } from './judge-outputs.ts';
import { resolveCard } from './resolve-card.ts';
import { warmUpPlan } from './warm-up-plan.ts';

/** What a version goes by. */
export interface VersionId {
  readonly name: string;
  /** Semantic version. */
  readonly version: string;
  /** Its card as it came. */
  readonly raw: RawCard;
  /** Of the model file, hex, lower case. */
  readonly sha256: string;
}

/** A model's file, and how the others that it is made of come to lie beside it. */
export interface VersionFile extends ModelFile {
  /** Whether a file of that name lies beside it. */
  has(name: string): Promise<boolean>;
  /** @param names paths within its folder. @throws Error where one is not to be had. */
  gather(names: readonly string[]): Promise<GatheredFile>;
}

export interface GatheredFile {
  /** All of it: bytes too. */
  readonly file: ModelFile;
  /** SHA-256 of those beside it by name, hex, lower case. */
  readonly beside: Readonly<Record<string, string>>;
}

/** A version that lies on disk. */
export interface VersionOnDisk extends VersionId {
  readonly file: VersionFile;
  /** What messages call the file and the card: paths in storage, or on disk. */
  readonly titles: { readonly model: string; readonly card: string };
}

export interface OpenedVersion extends Pick<OpenedModel, 'producer' | 'opsets'> {
  readonly version: ModelVersion;
  /** SHA-256 of the files beside the model's own by name. */
  readonly beside: GatheredFile['beside'];
}

/** The file is not the one that its card speaks of. */
export class ChecksumDiffers extends Error {
  override readonly name = 'ChecksumDiffers';
}

/** A version whose files all lie on disk, held against their hashes; nothing of it was opened yet. */
export interface GatheredVersion extends VersionOnDisk {
  readonly gathered: GatheredFile;
  /** Opens it. */
  readonly loader: Loader;
}

/**
 * Has all files of a version on disk.
 * @param loaders the first that takes the card opens it
 * @throws Error that names the file or the card, and the cause; ChecksumDiffers.
 */
export async function gatherVersion(source: VersionOnDisk, loaders: readonly Loader[]): Promise<GatheredVersion> {
  const { raw, sha256, titles } = source;
  const expected = raw.sha256?.toLowerCase();
  if (expected !== undefined && expected !== sha256) {
    const differ = `${titles.card} says ${expected}, the file has ${sha256}`;
    throw new ChecksumDiffers(`${titles.model}: checksum differs: ${differ}`);
  }
  const loader = loaders.find(kind => kind.takes(raw));
  if (!loader) throw new Error(`${titles.card}: a kind of model that is not known here`);
  await checkSchema(raw, titles.card);
  return { ...source, loader, gathered: await gather(source, loader) };
}

/**
 * Opens one version and warms it up. Whoever opens a model, to serve it or to try it, does it by this function, so that what was tried
 * is what will serve.
 * @throws Error that names the file or the card, and the cause; then nothing stays open.
 */
export async function openVersion(source: GatheredVersion): Promise<OpenedVersion> {
  const { name, version, raw, titles, loader } = source;
  const { file, beside } = source.gathered;
  // Weights that no card speaks of tell one content from another too.
  const known = Object.keys(beside).length > 0 ? { ...raw, files: { ...beside } } : raw;
  const textFiles = await readTextFiles(file.path, Object.keys(beside)).catch(thrown => {
    throw new Error(`${titles.model}: ${asError(thrown).message}`, { cause: thrown });
  });
  let card: Card | undefined;
  let tried: WarmUpPlan | undefined;
  const {
    backend: opened,
    producer,
    opsets,
  } = await loader.open({
    title: titles.model,
    name,
    file,
    card: raw,
    wishes: wishesOf(raw),
    plan(signature, classes, unneeded, beneath) {
      const full = beneath ? withBeneath(known, beneath) : known;
      const resolved = resolveCard(
        { name, version, file: titles.card, raw: full, classes, unneeded, textFiles },
        signature,
      );
      card = { ...resolved, raw: known };
      tried = warmUpPlan(signature, card);
      return tried;
    },
  });
  const { pooling } = card!.outputs;
  const backend = pooling === undefined ? opened : pooledBackend(opened, pooling);
  const outputs = await judgeOutputs(card!.outputs, backend, tried!);
  return { version: versionOf(source, { ...card!, outputs }, backend), producer, opsets, beside };
}

function withBeneath(raw: RawCard, beneath: CardBeneath): RawCard {
  const said = Object.entries(raw).filter(([, value]) => value !== undefined);
  const outputs = Object.entries(raw.outputs ?? {}).filter(([, value]) => value !== undefined);
  const full = {
    ...beneath,
    ...Object.fromEntries(said),
    outputs: { ...beneath.outputs, ...Object.fromEntries(outputs) },
  };
  return full as RawCard;
}

/** Has the weights of a model beside it where they are in other files, and its tokenizer, as its card knows them. */
async function gather({ raw, file, titles }: VersionOnDisk, loader: Loader): Promise<GatheredFile> {
  const named = async () => [
    ...((await loader.filesBeside?.(file.path)) ?? []),
    ...(await textFilesBeside(raw, name => file.has(name))),
  ];
  const names = await named().catch(thrown => {
    throw new Error(`${titles.model}: ${asError(thrown).message}`, { cause: thrown });
  });
  if (names.length === 0) return { file, beside: {} };
  const gathered = await file.gather(names);
  for (const [name, sha256] of Object.entries(gathered.beside)) {
    const expected = raw.files?.[name]?.toLowerCase();
    if (expected === undefined || expected === sha256) continue;
    const differ = `${titles.card} says ${expected}, the file has ${sha256}`;
    throw new ChecksumDiffers(`${titles.model}: checksum of ${name} differs: ${differ}`);
  }
  return gathered;
}

/** A version as it is served. */
export function versionOf({ name, version, raw, sha256 }: VersionId, card: Card, backend: Backend): ModelVersion {
  const label = labelOf(version, raw, sha256);
  return { name, version, label, sha256, card, signature: backend.info.signature, backend };
}

/** `1.1.0+a1b2c3d4`: the version, and which data or else which file it was made of. */
function labelOf(version: string, raw: RawCard, sha256: string): string {
  const hash = raw.training_data_hash?.toLowerCase().match(/[0-9a-f]{8}/)?.[0] ?? sha256.slice(0, 8);
  return `${version}+${hash}`;
}
