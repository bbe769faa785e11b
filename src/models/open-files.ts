import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readOnnxFile } from '../backends/onnx/onnx-file.ts';
import type { OpenBackend } from '../core/backend.ts';
import type { Card, ModelVersion } from '../core/model.ts';
import { type RawCard, wishesOf } from './card.ts';
import { hashFile } from './disk-cache.ts';
import { labelOf } from './load-version.ts';
import type { ModelFiles } from './publish.ts';
import { resolveCard } from './resolve-card.ts';
import { warmUpPlan } from './warm-up-plan.ts';

/** A model opened from a file, outside any catalog. */
export interface OpenedFiles {
  readonly version: ModelVersion;
  /** Frees it; nothing may be running. */
  close(): Promise<void>;
}

/**
 * Opens a model file with a card of one's own choosing, to try it as serving would.
 * @throws Error that names the file and the cause where it could not serve.
 */
export async function openModelFiles(
  { name, version, file }: Pick<ModelFiles, 'name' | 'version' | 'file'>,
  raw: RawCard,
  openBackend: OpenBackend,
): Promise<OpenedFiles> {
  const { classes, rewritten } = await readOnnxFile(file);
  const folder = await mkdtemp(join(tmpdir(), 'hubscore-open-'));
  const path = rewritten ? join(folder, 'model.onnx') : file;
  if (rewritten) await writeFile(path, rewritten);
  let card: Card | undefined;
  const backend = openBackend({
    title: file,
    file: path,
    bytes: (await stat(file)).size,
    wishes: wishesOf(raw),
    plan(signature) {
      card = resolveCard({ name, version, file, raw, classes }, signature);
      return warmUpPlan(signature, card);
    },
  });
  const close = async () => {
    await backend.close();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const { signature } = await backend.load();
    const sha256 = await hashFile(file);
    const opened = { name, version, label: labelOf(version, raw, sha256), sha256, card: card!, signature, backend };
    return { version: opened, close };
  } catch (thrown) {
    await close();
    throw thrown;
  }
}
