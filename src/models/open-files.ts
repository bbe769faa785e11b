import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Loader } from '../core/loader.ts';
import type { RawCard } from './card.ts';
import { hashFile } from './disk-cache.ts';
import { type OpenedVersion, openVersion } from './open-version.ts';

export interface ModelFiles {
  readonly name: string;
  /** Semantic version. */
  readonly version: string;
  /** Path of the ONNX file. */
  readonly file: string;
  /** Path of its model.json; undefined: what the ONNX file says is enough. */
  readonly card: string | undefined;
}

/** A model opened from files, outside any catalog. */
export interface OpenedFiles extends OpenedVersion {
  readonly bytes: number;
  /** Frees it; nothing may be running. */
  close(): Promise<void>;
}

/**
 * Opens files as the catalog opens what it downloaded.
 * @param raw the card, which may be another than the files have
 * @throws Error that names the file and the cause where it could not serve.
 */
export async function openModelFiles(
  { name, version, file, card }: ModelFiles,
  raw: RawCard,
  loaders: readonly Loader[],
): Promise<OpenedFiles> {
  const { size: bytes } = await stat(file).catch(() => {
    throw new Error(`${file}: the file is not there`);
  });
  const sha256 = await hashFile(file);
  let folder: string | undefined;
  const derive = async (suffix: string, content: Uint8Array) => {
    folder ??= await mkdtemp(join(tmpdir(), 'hubscore-open-'));
    const path = join(folder, `model.${suffix}.onnx`);
    await writeFile(path, content);
    return path;
  };
  const removeDerived = async () => {
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  };
  try {
    const titles = { model: file, card: card ?? file };
    const source = { name, version, titles, raw, sha256, file: { path: file, bytes, derive } };
    const opened = await openVersion(source, loaders);
    const close = async () => {
      await opened.version.backend.close().finally(removeDerived);
    };
    return { ...opened, bytes, close };
  } catch (thrown) {
    await removeDerived();
    throw thrown;
  }
}
