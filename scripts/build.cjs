// What every script that runs the built code does first. Nothing here asks a shell for more than one plain command: each system has another.
require('./preflight.cjs');
const { spawnSync } = require('node:child_process');
const { statSync } = require('node:fs');
const path = require('node:path');
const { putLiveAssets } = require('./live-assets.cjs');

const root = path.join(__dirname, '..');
const below = (...names) => path.join(root, ...names);
const run = (...args) => {
  const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
};
const madeAt = file => statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;

run(below('node_modules', 'typescript', 'bin', 'tsc'), '-p', 'tsconfig.build.json');
putLiveAssets(below('dist', 'live', 'page'));
const since = Math.max(madeAt(below('dist', '.tsbuildinfo')), madeAt(below('node_modules', '.package-lock.json')));
if (madeAt(below('dist', 'chunks')) <= since)
  run('--experimental-strip-types', '--no-warnings', below('scripts', 'bundle-commands.ts')); // a flag before Node 22.18
