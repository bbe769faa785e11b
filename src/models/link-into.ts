import { randomUUID } from 'node:crypto';
import { copyFile, link, mkdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';

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
