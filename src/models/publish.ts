import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import semver from 'semver';
import { type BackendInfo, type BackendStatus, statusOf } from '../core/backend.ts';
import { BlobConflict, BlobGone } from '../core/blobs.ts';
import { needsNoFile } from '../core/card-kind.ts';
import type { Loader } from '../core/loader.ts';
import type { Card } from '../core/model.ts';
import { MAX_CARD_BYTES, NO_CARD, parseCard, type RawCard } from './card.ts';
import { hashFile } from './files.ts';
import { GOLDEN_FILE } from './golden.ts';
import { type ModelFiles, type OpenedFiles, openModelFiles } from './open-files.ts';
import { besidePath, cardPath, type ModelStore, modelPath } from './store.ts';
import type { Trial } from './trial.ts';
import { unknownFields } from './unknown-fields.ts';

/** What a model file was found to be, by the same code that will serve it. */
export interface Inspection {
  readonly sha256: string;
  readonly bytes: number;
  readonly producer: string;
  readonly opsets: ReadonlyMap<string, number>;
  /** Complete, as it will be served by. */
  readonly card: Card;
  readonly rawCard: RawCard;
  readonly info: BackendInfo;
  /** Who answers, as it was found when it was opened. */
  readonly status: BackendStatus;
  readonly label: string;
  /** SHA-256 of the files beside the model's own by name. */
  readonly beside: Readonly<Record<string, string>>;
  readonly tried: OpenedFiles['tried'];
  /** Fields of the card that nothing reads, in words. */
  readonly unknownFields: readonly string[];
  /** What serves, but not as one might wish. */
  readonly remarks: readonly string[];
}

/**
 * Reads, opens and tries a model file as serving it will.
 * @param apart tries it in a process of its own before this one opens it
 * @throws Error that names the file and the cause where it could not serve.
 */
export async function inspectModel(
  files: ModelFiles,
  loaders: readonly Loader[],
  apart?: { readonly trial: Trial; readonly signal: AbortSignal },
): Promise<Inspection> {
  const { name, version } = files;
  if (!/^[^/\\]+$/.test(name)) throw new Error(`model name ${JSON.stringify(name)}: expected one without slashes`);
  if (semver.valid(version) !== version) throw new Error(`version ${version}: expected a semantic version like 1.0.0`);
  const rawCard = files.card ? parseCard(await readFile(files.card), files.titles?.card ?? files.card) : NO_CARD;
  const opened = await openModelFiles(files, rawCard, loaders, apart);
  try {
    const { bytes, producer, opsets, beside, tried } = opened;
    const { sha256, label, card, backend } = opened.version;
    const { info } = backend;
    const status = statusOf(backend);
    const remarks = remarksOn(card, info);
    return {
      sha256,
      bytes,
      producer,
      opsets,
      card,
      rawCard,
      info,
      status,
      label,
      beside,
      tried,
      unknownFields: unknownFields(rawCard),
      remarks,
    };
  } finally {
    await opened.close();
  }
}

function remarksOn(card: Card, info: BackendInfo): string[] {
  const remarks: string[] = [];
  for (const output of info.signature.opaqueOutputs) {
    remarks.push(`output ${output} is no tensor and is left out; export with zipmap disabled to get its probabilities`);
  }
  if (card.outputs.probabilities && !card.outputs.classes) {
    remarks.push('the classes are unknown: probabilities come as an array; name them in the card (outputs.classes)');
  }
  if (card.outputs.scores) {
    remarks.push(
      `output ${card.outputs.scores} holds no probabilities: it is given under outputs; the card's outputs.activation (softmax, sigmoid) turns it`,
    );
  }
  if (info.apart) remarks.push('its answer to an instance changes with those beside it: it takes one at a time');
  if (!info.pads && card.features.some(({ pad }) => pad !== undefined)) {
    remarks.push('padding changes its answers: arrays of different lengths share no run');
  }
  if (info.varies) remarks.push('it may answer the same instance differently each time: its answers are not cached');
  const { maxBatchSize: asked = info.warmUpMs < 100 ? 2 : 1 } = card.batching; // chosen by itself, only a very slow one is 1
  if (info.maxBatchSize < asked && !info.apart)
    remarks.push(`it takes ${info.maxBatchSize} at once: larger slices failed`);
  if (info.warmUpMs > 100) remarks.push(`a slice of ${info.maxBatchSize} takes ${Math.round(info.warmUpMs)} ms`);
  return remarks;
}

/**
 * Puts an inspected model into storage, its card (with name, version and hash) first, so that it is never seen without.
 * The same file again is no error; versions are immutable.
 * @returns whether it was new. @throws Error where another file is there under that version.
 */
export async function pushModel(
  store: ModelStore,
  files: ModelFiles,
  inspection: Inspection,
  signal: AbortSignal,
): Promise<boolean> {
  const { file } = files;
  const cardOnly = needsNoFile(inspection.rawCard) && file === files.card;
  const path = modelPath({ ...files, cardOnly });
  const there = await unlessGone(store.sha256Of(path, signal));
  if (there !== undefined) {
    if (there === inspection.sha256 && (await holdBeside(store, files, inspection, signal))) return false;
    throw new Error(`${path} is there already, with other content; versions are immutable: take a new one`);
  }
  await pushBeside(store, files, inspection, signal);
  if (!cardOnly) await pushFileCard(store, files, inspection, signal);
  try {
    await store.writeFile(path, file, inspection.sha256, signal);
  } catch (thrown) {
    if (!(thrown instanceof BlobConflict)) throw thrown;
    throw new Error(`${path} was put there by somebody else at the same moment`, { cause: thrown });
  }
  return true;
}

/** The card of a model file, which says which file it is of. */
async function pushFileCard(
  store: ModelStore,
  files: ModelFiles,
  inspection: Inspection,
  signal: AbortSignal,
): Promise<void> {
  const { name, version } = files;
  const hashes = Object.keys(inspection.beside).length > 0 ? { files: inspection.beside } : {};
  const card = { ...inspection.rawCard, name, version, sha256: inspection.sha256, ...hashes };
  await pushCard(store, files, card, signal);
}

/** Puts golden rows beside where the model is going to be; the same again is no error. @throws Error where others are there */
export async function pushGolden(
  store: ModelStore,
  files: Pick<ModelFiles, 'name' | 'version'>,
  file: string,
  signal: AbortSignal,
): Promise<void> {
  const path = besidePath(files, GOLDEN_FILE);
  const sha256 = await hashFile(file);
  try {
    await store.writeFile(path, file, sha256, signal);
  } catch (thrown) {
    if (!(thrown instanceof BlobConflict)) throw thrown;
    if ((await unlessGone(store.sha256Of(path, signal))) === sha256) return;
    throw new Error(`${path} is there already, with other content; versions are immutable: take a new one`, {
      cause: thrown,
    });
  }
}

/** The weights of a model that has them in files of their own; those of a push that was broken off are there already. */
async function pushBeside(
  store: ModelStore,
  files: ModelFiles,
  { beside }: Inspection,
  signal: AbortSignal,
): Promise<void> {
  for (const [name, sha256] of Object.entries(beside)) {
    const path = besidePath(files, name);
    try {
      await store.writeFile(path, join(dirname(files.file), name), sha256, signal);
    } catch (thrown) {
      if (!(thrown instanceof BlobConflict)) throw thrown;
      if ((await unlessGone(store.sha256Of(path, signal))) === sha256) continue;
      throw new Error(`${path} is there already, with other content: delete it, or take a new version`, {
        cause: thrown,
      });
    }
  }
}

async function holdBeside(
  store: ModelStore,
  files: ModelFiles,
  { beside }: Inspection,
  signal: AbortSignal,
): Promise<boolean> {
  for (const [name, sha256] of Object.entries(beside)) {
    if ((await unlessGone(store.sha256Of(besidePath(files, name), signal))) !== sha256) return false;
  }
  return true;
}

function isOfSameFiles(one: RawCard, other: RawCard): boolean {
  const names = Object.keys({ ...one.files, ...other.files });
  return one.sha256 === other.sha256 && names.every(name => one.files?.[name] === other.files?.[name]);
}

async function pushCard(store: ModelStore, files: ModelFiles, card: RawCard, signal: AbortSignal): Promise<void> {
  const path = cardPath(files);
  const spaced = `${JSON.stringify(card, null, 2)}\n`;
  const text = Buffer.byteLength(spaced) > MAX_CARD_BYTES ? JSON.stringify(card) : spaced;
  parseCard(text, path); // with what was added to it
  try {
    await store.writeText(path, text, 'absent', signal);
  } catch (thrown) {
    if (!(thrown instanceof BlobConflict)) throw thrown;
    // Left by a push that was broken off, or just written by another: overwriting could give that one's file our card.
    const found = await unlessGone(store.readText(path, signal));
    if (found && isOfSameFiles(parseCard(found.text, path), card)) return;
    throw new Error(`${path} is there already, for another file: delete it, or take a new version`, { cause: thrown });
  }
}

async function unlessGone<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (thrown) {
    if (thrown instanceof BlobGone) return undefined;
    throw thrown;
  }
}
