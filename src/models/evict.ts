import { readdir, rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { bytesIn } from './files.ts';

/** Where a model's own file is gathered with those beside it. */
export const folderOf = (path: string) => path.replace(/\.onnx$/, '.files');

/** What is under way is written to all the time. */
const STALE_MS = 600_000;

/**
 * Removes the least recently used model files of a folder until those left take no more than `maxBytes`, and what broken-off downloads have left.
 * @param inUse paths of files that stay, with what was made of them
 * @returns bytes that were freed
 */
export async function evict(dir: string, maxBytes: number, inUse: ReadonlySet<string>): Promise<number> {
  const kept = new Set([...inUse].map(keyOf));
  const files = [];
  let freed = 0;
  for (const name of await readdir(dir)) {
    const path = join(dir, name);
    const found = await stat(path).catch(() => undefined);
    if (!found) continue;
    if (/\.(part|tmp)$/.test(name) && Date.now() - found.mtimeMs > STALE_MS) {
      await rm(path, { force: true });
      freed += found.size;
    }
    if (!name.endsWith('.onnx')) continue;
    files.push({ path, bytes: found.size + (await bytesIn(folderOf(path))), usedMs: found.mtimeMs });
  }
  let total = files.reduce((sum, file) => sum + file.bytes, 0);
  for (const file of files.sort((a, b) => a.usedMs - b.usedMs)) {
    if (total <= maxBytes) break;
    if (kept.has(keyOf(file.path))) continue;
    await rm(file.path, { force: true });
    await rm(`${file.path}.json`, { force: true });
    await rm(folderOf(file.path), { recursive: true, force: true });
    total -= file.bytes;
    freed += file.bytes;
  }
  return freed;
}

/** A file and what was derived from it (`<key>.tensors.onnx`) begin alike. */
const keyOf = (path: string) => basename(path).split('.', 1)[0]!;
