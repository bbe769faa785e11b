import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import semver from 'semver';
import { readOnnxFile } from '../backends/onnx/onnx-file.ts';
import type { BackendInfo, OpenBackend } from '../core/backend.ts';
import { BlobConflict, BlobGone } from '../core/blobs.ts';
import type { Card } from '../core/model.ts';
import { parseCard, type RawCard, wishesOf } from './card.ts';
import { hashFile } from './disk-cache.ts';
import { labelOf } from './load-version.ts';
import { resolveCard } from './resolve-card.ts';
import { cardPath, type ModelStore, modelPath } from './store.ts';
import { warmUpPlan } from './warm-up-plan.ts';

export interface ModelFiles {
  readonly name: string;
  /** Semantic version. */
  readonly version: string;
  /** Path of the ONNX file. */
  readonly file: string;
  /** Path of its model.json; undefined: what the ONNX file says is enough. */
  readonly card: string | undefined;
}

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
  readonly label: string;
  /** What serves, but not as one might wish. */
  readonly remarks: readonly string[];
}

/**
 * Reads, opens and tries a model file as serving it will.
 * @throws Error that names the file and the cause where it could not serve.
 */
export async function inspectModel(files: ModelFiles, openBackend: OpenBackend): Promise<Inspection> {
  const { name, version, file } = files;
  if (!/^[^/\\]+$/.test(name)) throw new Error(`model name ${JSON.stringify(name)}: expected one without slashes`);
  if (semver.valid(version) !== version) throw new Error(`version ${version}: expected a semantic version like 1.0.0`);
  const { size: bytes } = await stat(file).catch(() => {
    throw new Error(`${file}: the file is not there`);
  });
  const rawCard = files.card ? parseCard(await readFile(files.card, 'utf8'), files.card) : parseCard('{}', file);
  const sha256 = await hashFile(file);
  if (rawCard.sha256 && rawCard.sha256.toLowerCase() !== sha256) {
    throw new Error(`${file}: checksum differs: ${files.card} says ${rawCard.sha256}, the file has ${sha256}`);
  }
  const { producer, opsets, classes, rewritten } = await readOnnxFile(file);
  const folder = await mkdtemp(join(tmpdir(), 'hubscore-inspect-'));
  let card: Card | undefined;
  try {
    const path = rewritten ? join(folder, 'model.onnx') : file;
    if (rewritten) await writeFile(path, rewritten);
    const backend = openBackend({
      title: file,
      file: path,
      bytes,
      wishes: wishesOf(rawCard),
      plan(signature) {
        card = resolveCard({ name, version, file: files.card ?? file, raw: rawCard, classes }, signature);
        return warmUpPlan(signature, card);
      },
    });
    try {
      const info = await backend.load();
      const remarks = remarksOn(card!, info);
      return {
        sha256,
        bytes,
        producer,
        opsets,
        card: card!,
        rawCard,
        info,
        label: labelOf(version, rawCard, sha256),
        remarks,
      };
    } finally {
      await backend.close();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
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
  const { maxBatchSize: asked = info.warmUpMs < 100 ? 2 : 1 } = card.batching; // chosen by itself, only a very slow one is 1
  if (info.maxBatchSize < asked) remarks.push(`it takes ${info.maxBatchSize} at once: larger slices failed`);
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
  const { name, version, file } = files;
  const path = modelPath(files);
  const there = await unlessGone(store.sha256Of(path, signal));
  if (there !== undefined) {
    if (there === inspection.sha256) return false;
    throw new Error(`${path} is there already, with other content; versions are immutable: take a new one`);
  }
  await pushCard(store, files, { ...inspection.rawCard, name, version, sha256: inspection.sha256 }, signal);
  try {
    await store.writeFile(path, file, inspection.sha256, signal);
  } catch (thrown) {
    if (!(thrown instanceof BlobConflict)) throw thrown;
    throw new Error(`${path} was put there by somebody else at the same moment`, { cause: thrown });
  }
  return true;
}

async function pushCard(store: ModelStore, files: ModelFiles, card: RawCard, signal: AbortSignal): Promise<void> {
  const path = cardPath(files);
  try {
    await store.writeText(path, `${JSON.stringify(card, null, 2)}\n`, 'absent', signal);
  } catch (thrown) {
    if (!(thrown instanceof BlobConflict)) throw thrown;
    // Left by a push that was broken off, or just written by another: overwriting could give that one's file our card.
    const found = await unlessGone(store.readText(path, signal));
    if (found && parseCard(found.text, path).sha256 === card.sha256) return;
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
