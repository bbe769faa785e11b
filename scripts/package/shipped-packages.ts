import { globSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** A package whose code goes along. */
export interface ShippedPackage {
  readonly name: string;
  readonly version: string;
  /** SPDX expression. */
  readonly license: string;
  /** Who made it, where package.json says. */
  readonly author: string | undefined;
  /** Subresource integrity, as package-lock.json has it. */
  readonly integrity: string | undefined;
  /** Texts of licence and notice files. */
  readonly texts: readonly string[];
}

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly license?: string | { readonly type: string };
  readonly author?: string | { readonly name: string };
}

const TEXTS = '{LICENSE,LICENCE,License,license,COPYING,NOTICE,ThirdPartyNotices}*';

/** @param folders of packages below `root`, as package-lock.json calls them. @throws Error where a package names no licence. */
export function shippedPackages(root: string, folders: readonly string[]): readonly ShippedPackage[] {
  const lock: { packages: Record<string, { integrity?: string }> } = JSON.parse(
    readFileSync(join(root, 'package-lock.json'), 'utf8'),
  );
  const shipped = folders.map(folder => {
    const at = join(root, folder);
    const { name, version, license, author }: Manifest = JSON.parse(readFileSync(join(at, 'package.json'), 'utf8'));
    const expression = typeof license === 'string' ? license : license?.type;
    if (!expression) throw new Error(`${name} ${version} names no licence: it cannot be shipped`);
    return {
      name,
      version,
      license: expression,
      author: typeof author === 'string' ? author : author?.name,
      integrity: lock.packages[folder]?.integrity,
      texts: globSync(TEXTS, { cwd: at, exclude: ['*.{js,ts,cjs,mjs}'] })
        .filter(file => statSync(join(at, file)).isFile())
        .sort()
        .map(file => readFileSync(join(at, file), 'utf8').trim()),
    };
  });
  // The same version can lie in two folders.
  const unique = new Map(shipped.map(one => [`${one.name}@${one.version}`, one]));
  return [...unique.values()].sort((a, b) =>
    a.name === b.name ? a.version.localeCompare(b.version) : a.name < b.name ? -1 : 1,
  );
}
