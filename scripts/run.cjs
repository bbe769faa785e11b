// `node scripts/run.cjs PROGRAM [argument…]`: builds, then becomes the program: in this very process, so that signals reach it.
require('./build.cjs');
const path = require('node:path');
const { pathToFileURL } = require('node:url');

const [name, ...args] = process.argv.slice(2);
const program = path.resolve(__dirname, '..', name);
process.argv = [process.execPath, program, ...args];
import(pathToFileURL(program).href).catch(error => {
  process.stderr.write(`${error.stack}\n`);
  process.exit(1);
});
