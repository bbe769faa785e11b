// Runs before every build, with whatever Node there is, however old: says in words what would otherwise fail in riddles.
const fs = require('node:fs');
const path = require('node:path');

const OLDEST_NODE = 22;
const modules = path.join(__dirname, '..', 'node_modules');

function fault() {
  if (!fs.existsSync(modules)) return 'nothing is installed yet. Run: npm install';
  const missing = ['typescript', '@types/node', 'esbuild'].filter(name => !fs.existsSync(path.join(modules, name)));
  if (missing.length > 0) {
    return `the build tools are missing (${missing.join(', ')}). Run: npm install --include=dev`;
  }
  if (Number(process.versions.node.split('.')[0]) < OLDEST_NODE) {
    const own = 'The project brings Node 24 along as the package "node", and that is not there.';
    return `Node ${OLDEST_NODE} or newer is needed, and this is ${process.versions.node}. ${own} Run: npm install --include=dev`;
  }
  return undefined;
}

const found = fault();
if (found) {
  process.stderr.write(`hubscore: ${found}\n`);
  process.exit(1);
}
