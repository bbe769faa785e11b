// `npm run start:func`: builds, then Core Tools' host. Their `func` is a batch file on Windows, which nothing but its shell runs.
require('./build.cjs');
const { spawn } = require('node:child_process');

const child = spawn('func', ['start', ...process.argv.slice(2)], {
  stdio: 'inherit',
  shell: process.platform === 'win32',
});
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
child.once('error', () => {
  process.stderr.write('func is not on the path: install Azure Functions Core Tools 4, or take `npm run host`\n');
  process.exitCode = 1;
});
child.once('exit', code => {
  process.exitCode = code ?? 1;
});
