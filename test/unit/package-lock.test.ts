import { readFileSync } from 'node:fs';
import { coerce, satisfies } from 'semver';
import { describe, expect, it } from 'vitest';

interface Locked {
  readonly resolved?: string;
  readonly hasInstallScript?: boolean;
  readonly engines?: { readonly node?: string };
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const text = (file: string) => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');
const read = (file: string) => JSON.parse(text(file));
const packages: Readonly<Record<string, Locked>> = read('package-lock.json').packages;

/** What README promises to install on, with npm 10 or 11: the oldest 20 that every package takes. */
const OLDEST_NODE = '20.19.0';

describe('package-lock.json', () => {
  it('has every package that another one asks for, those of other platforms too', () => {
    const missing = Object.entries(packages).flatMap(([path, { dependencies, optionalDependencies }]) =>
      Object.keys({ ...dependencies, ...optionalDependencies })
        .filter(name => !isFound(path, name))
        .map(name => `${name}, for ${path}`),
    );
    expect(
      missing,
      'delete package-lock.json and node_modules, then npm install: npm ci takes no lock with gaps',
    ).toEqual([]);
  });

  it('names no registry: everyone installs from their own', () => {
    expect(Object.entries(packages).filter(([, { resolved }]) => resolved)).toEqual([]);
  });

  it('takes the Node that README promises and no other', () => {
    const { engines } = read('package.json');
    expect(packages['']?.engines).toEqual(engines);
    const promised = /Node\.js ([\d., ]+) or later/.exec(text('README.md'))?.[1] ?? '';
    const versions = promised.split(',').map(version => coerce(version)!.version);
    expect(versions.map(version => satisfies(version, engines.node))).toEqual([true, true, true]);
    expect(versions[0]).toBe(OLDEST_NODE);
    for (const between of ['20.18.3', '22.12.0', '23.1.0']) expect(satisfies(between, engines.node)).toBe(false);
    const warned = versions.flatMap(version =>
      Object.entries(packages)
        .filter(([, { engines: asked }]) => asked?.node && !satisfies(version, asked.node))
        .map(([path]) => `${path} on ${version}`),
    );
    expect(warned).toEqual([]);
  });

  it('holds nothing that would warn of an old Node', () => {
    const refusing = Object.entries(packages).filter(
      ([, { engines }]) => engines?.node && !satisfies(OLDEST_NODE, engines.node),
    );
    expect(refusing.map(([path, { engines }]) => `${path}: ${engines?.node}`)).toEqual([]);
  });

  it('keeps the install script of ONNX Runtime from running: it loads CUDA files from elsewhere, and fails without a network', () => {
    expect(read('package.json').allowScripts['onnxruntime-node']).toBe(false); // npm 11 and later
    const { hasInstallScript } = packages['node_modules/onnxruntime-node'] ?? {};
    expect(hasInstallScript, 'npm 10 runs what the lock says has one: delete the line, npm leaves it so').toBe(
      undefined,
    );
  });
});

/** As Node looks: in the package's own node_modules, then in those above. */
function isFound(path: string, name: string): boolean {
  const own = path === '' ? '' : `${path}/`;
  if (packages[`${own}node_modules/${name}`]) return true;
  return path !== '' && isFound(path.slice(0, Math.max(0, path.lastIndexOf('node_modules/') - 1)), name);
}
