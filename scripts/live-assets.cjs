/** Puts the live page together where it is served from: our own files as they are, and the libraries that they import. */
const { copyFileSync, cpSync, rmSync } = require('node:fs');
const path = require('node:path');

const root = path.join(__dirname, '..');
/** What the page imports → the package's file. */
const LIBRARIES = {
  'preact.js': 'preact/dist/preact.mjs',
  'htm.js': 'htm/dist/htm.module.js',
};

/** @param target a folder, which is made anew */
function putLiveAssets(target) {
  rmSync(target, { recursive: true, force: true });
  cpSync(path.join(root, 'src', 'live', 'page'), target, { recursive: true });
  for (const [name, file] of Object.entries(LIBRARIES)) {
    copyFileSync(path.join(root, 'node_modules', file), path.join(target, name));
  }
}

module.exports = { putLiveAssets };
if (require.main === module) putLiveAssets(process.argv[2]);
