// What every script that runs the built code does first. Nothing here asks a shell for more than one plain command: each system has another.
require('./preflight.cjs');
const { spawnSync } = require('node:child_process');
const path = require('node:path');
const { putLiveAssets } = require('./live-assets.cjs');

const root = path.join(__dirname, '..');
const compiler = path.join(root, 'node_modules', 'typescript', 'bin', 'tsc');
const { status } = spawnSync(process.execPath, [compiler, '-p', 'tsconfig.build.json'], {
  cwd: root,
  stdio: 'inherit',
});
if (status !== 0) process.exit(status ?? 1);
putLiveAssets(path.join(root, 'dist', 'live', 'page'));
