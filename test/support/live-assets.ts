import { execFileSync } from 'node:child_process';
import { resolve } from 'node:path';

/** The live page's files as the build puts them together. */
export function putLiveAssets(target: string): void {
  execFileSync(process.execPath, [resolve(import.meta.dirname, '../../scripts/live-assets.cjs'), target]);
}
