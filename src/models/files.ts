import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { copyFile, link, mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** SHA-256 of a file, hex. */
export async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

/**
 * Has a file in a folder too, under a name that may hold slashes: as the same content under two names, or as a copy where that cannot be. Not by
 * a symbolic link: ONNX Runtime refuses weights behind one. Whoever opens what was there before is not disturbed.
 * @returns its path there
 */
export async function linkInto(folder: string, name: string, file: string): Promise<string> {
  const path = join(folder, name);
  const temporary = `${path}.${randomUUID()}.tmp`;
  await mkdir(dirname(path), { recursive: true });
  await link(file, temporary).catch(() => copyFile(file, temporary));
  await rename(temporary, path);
  await rm(temporary, { force: true }); // it stays where both were the same content already
  return path;
}

/** What the files in a folder take, each once however often it is linked. */
export async function bytesIn(folder: string): Promise<number> {
  const names = await readdir(folder, { recursive: true }).catch(() => []);
  const sizes = new Map<number, number>();
  for (const name of names) {
    const found = await stat(join(folder, name)).catch(() => undefined);
    if (found?.isFile()) sizes.set(found.ino, found.size);
  }
  return [...sizes.values()].reduce((sum, size) => sum + size, 0);
}

/** Whoever reads what was there before is not disturbed. */
export async function writeAtomically(path: string, content: string | Uint8Array): Promise<void> {
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    await writeFile(temporary, content);
    await rename(temporary, path);
  } catch (thrown) {
    await rm(temporary, { force: true }); // a full disk would keep what of it had room
    throw thrown;
  }
}
