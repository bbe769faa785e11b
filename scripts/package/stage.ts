import { execFileSync } from 'node:child_process';
import { cpSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { billOfMaterials } from './bill-of-materials.ts';
import { bundle, NATIVE_PACKAGES } from './bundle.ts';
import { shippedPackages } from './shipped-packages.ts';
import { thirdPartyNotices } from './third-party-notices.ts';

/** What runs of a native package on Functions, which is Linux on x64 whatever machine packages. */
const NATIVE_FILES = [
  'onnxruntime-node/package.json',
  'onnxruntime-node/dist/*.js',
  'onnxruntime-node/bin/napi-v6/linux/x64/*',
  'onnxruntime-common/package.json',
  'onnxruntime-common/dist/cjs/*.{js,json}',
  'onnxruntime-common/dist/esm/*.{js,json}',
];

/** Packages that the live page brings to the browser as they are. */
const BROWSER_PACKAGES = ['preact', 'htm'];

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly main: string;
  readonly dependencies: Readonly<Record<string, string>>;
}

/** Lays out in `folder` what a Functions app is made of, and nothing else: bundled functions, ONNX Runtime for Linux on x64, host.json, package.json, and what others' code is in it. */
export async function stage(root: string, folder: string): Promise<void> {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const bundled = await bundle(root, folder);

  execFileSync(process.execPath, [join(root, 'scripts/live-assets.cjs'), join(folder, 'dist/live/page')]);

  const modules = join(root, 'node_modules');
  for (const file of globSync(NATIVE_FILES, { cwd: modules })) {
    cpSync(join(modules, file), join(folder, 'node_modules', file));
  }
  cpSync(join(root, 'host.json'), join(folder, 'host.json'));

  const { name, version, main, dependencies }: Manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const native = Object.entries(dependencies).filter(([name]) => NATIVE_PACKAGES.some(known => known === name));
  const manifest = { name, version, private: true, type: 'module', main, dependencies: Object.fromEntries(native) };
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);

  const whole = [...NATIVE_PACKAGES, ...BROWSER_PACKAGES].map(name => `node_modules/${name}`);
  const shipped = shippedPackages(root, [...bundled, ...whole]);
  writeFileSync(join(folder, 'THIRD-PARTY-NOTICES.txt'), thirdPartyNotices(shipped));
  writeFileSync(
    join(folder, 'sbom.cdx.json'),
    `${JSON.stringify(billOfMaterials({ name, version }, shipped), null, 2)}\n`,
  );
}
