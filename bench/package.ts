/** What is deployed: how many files, how large. */
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makePackage } from '../scripts/package.ts';

const MB = 1_000_000;

export async function measurePackage() {
  const target = mkdtempSync(join(tmpdir(), 'hubscore-bench-'));
  try {
    const { folder, bytes } = await makePackage(target);
    const sizes = readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter(entry => entry.isFile())
      .map(entry => statSync(join(entry.parentPath, entry.name)).size);
    const unpacked = sizes.reduce((sum, size) => sum + size, 0);
    return {
      files: sizes.length,
      'unpacked, MB': Math.round(unpacked / MB),
      'zip, MB': Number((bytes / MB).toFixed(1)),
    };
  } finally {
    rmSync(target, { recursive: true, force: true });
  }
}
