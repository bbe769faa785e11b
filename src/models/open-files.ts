import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, realpath, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, isAbsolute, join, relative } from 'node:path';
import type { Loader } from '../core/loader.ts';
import type { RawCard } from './card.ts';
import { hashFile, linkInto } from './files.ts';
import { type GatheredFile, gatherVersion, type OpenedVersion, openVersion } from './open-version.ts';
import { type Trial, tryApart } from './trial.ts';
import { type Verdict, verdictKey } from './verdict.ts';

export interface ModelFiles {
  readonly name: string;
  /** Semantic version. */
  readonly version: string;
  /** Path of the ONNX file. */
  readonly file: string;
  /** Path of its model.json; undefined: what the ONNX file says is enough. */
  readonly card: string | undefined;
  /** What messages call them; absent: their paths. */
  readonly titles?: { readonly model: string; readonly card: string } | undefined;
  /** Folder for temporary files; absent: the system's. */
  readonly scratch?: string | undefined;
}

/** A model opened from files, outside any catalog. */
export interface OpenedFiles extends OpenedVersion {
  readonly bytes: number;
  /** What trying it apart has shown, and what that is kept under; undefined where it was not tried. */
  readonly tried: { readonly key: string; readonly verdict: Verdict } | undefined;
  /** Frees it; nothing may be running. */
  close(): Promise<void>;
}

/**
 * Opens files as the catalog opens what it downloaded.
 * @param raw the card, which may be another than the files have
 * @param apart tries them before this process opens them; absent: that was done, or is not needed
 * @throws Error that names the file and the cause where it could not serve.
 */
export async function openModelFiles(
  { name, version, file, card, titles = { model: file, card: card ?? file }, scratch = tmpdir() }: ModelFiles,
  raw: RawCard,
  loaders: readonly Loader[],
  apart?: { readonly trial: Trial; readonly signal: AbortSignal },
): Promise<OpenedFiles> {
  const { size: bytes } = await stat(file).catch(() => {
    throw new Error(`${titles.model}: the file is not there`);
  });
  const sha256 = await hashFile(file);
  let folder: string | undefined;
  let total = bytes;
  let besides: readonly string[] = [];
  const derive = async (suffix: string, content: Uint8Array) => {
    if (folder === undefined) {
      await mkdir(scratch, { recursive: true });
      folder = await mkdtemp(join(scratch, 'hubscore-open-'));
    }
    for (const name of besides) await linkInto(folder, name, join(dirname(file), name));
    const path = join(folder, `model.${suffix}.onnx`);
    await writeFile(path, content);
    return path;
  };
  const gather = async (names: readonly string[]): Promise<GatheredFile> => {
    besides = names;
    const found = await Promise.all(names.map(name => lookBeside(titles.model, file, name)));
    const beside = Object.fromEntries(found.map(({ name, hash }) => [name, hash]));
    total = found.reduce((sum, one) => sum + one.bytes, bytes);
    return { file: { path: file, bytes: total, derive }, beside };
  };
  const has = async (name: string) => existsSync(join(dirname(file), name));
  const removeDerived = async () => {
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  };
  try {
    const source = { name, version, titles, raw, sha256, file: { path: file, bytes, derive, gather, has } };
    const gathered = await gatherVersion(source, loaders);
    const verdict = apart && gathered.loader.runtime && (await tryApart(apart.trial, gathered, apart.signal));
    if (verdict && !verdict.ok) throw new Error(verdict.message);
    const tried = verdict ? { key: verdictKey(gathered), verdict } : undefined;
    const opened = await openVersion(gathered);
    const close = async () => {
      await opened.version.backend.close().finally(removeDerived);
    };
    return { ...opened, bytes: total, tried, close };
  } catch (thrown) {
    await removeDerived();
    throw thrown;
  }
}

/** A file of weights in the model's folder. @throws Error where it is not there, or a link leads out of it. */
async function lookBeside(
  title: string,
  file: string,
  name: string,
): Promise<{ name: string; hash: string; bytes: number }> {
  const path = join(dirname(file), name);
  const { size } = await stat(path).catch(() => {
    throw new Error(
      `${title}: its weights are in ${name}, which is not beside it; put it there, or save the model as one file`,
    );
  });
  const within = relative(await realpath(dirname(file)), await realpath(path));
  if (/^\.\.([/\\]|$)/.test(within) || isAbsolute(within)) throw new Error(`${title}: ${name} leads out of its folder`);
  return { name, hash: await hashFile(path), bytes: size };
}
