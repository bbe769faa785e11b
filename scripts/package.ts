/** `npm run package`: stages the Functions app in .local/package/app, as azd deploys it, and zips it beside. */
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { stage } from './package/stage.ts';
import { zipFolder } from './package/zip.ts';

const root = resolve(import.meta.dirname, '..');

export interface Package {
  readonly folder: string;
  readonly zip: string;
  readonly bytes: number;
}

export async function makePackage(target = join(root, '.local/package')): Promise<Package> {
  const folder = join(target, 'app');
  await stage(root, folder);
  const content = zipFolder(folder);
  const zip = join(target, 'hubscore.zip');
  writeFileSync(zip, content);
  return { folder, zip, bytes: content.length };
}

if (import.meta.main) {
  const { folder, zip, bytes } = await makePackage();
  process.stdout.write(`staged ${folder}\n${zip}: ${(bytes / 2 ** 20).toFixed(1)} MB\n`);
}
