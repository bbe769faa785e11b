#!/usr/bin/env node
// npx runs this with whatever Node the machine has, so nothing newer may be loaded before its version is known.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import module from 'node:module';
import { fileURLToPath } from 'node:url';

const OLDEST = 22;
const path = name => fileURLToPath(new URL(name, import.meta.url));
const program = path('../dist/cli/hubscore.js');
const ownNode = path(`../node_modules/node/bin/node${process.platform === 'win32' ? '.exe' : ''}`);

if (!existsSync(program)) {
  fail('hubscore is not built yet.');
} else if (Number(process.versions.node.split('.')[0]) >= OLDEST) {
  // A fifth of the time that a command takes to start; the variable is for processes that it starts.
  const { directory } = module.enableCompileCache?.() ?? {};
  if (directory !== undefined) process.env.NODE_COMPILE_CACHE ??= directory;
  await import(new URL('../dist/cli/hubscore.js', import.meta.url).href);
} else if (existsSync(ownNode)) {
  const child = spawn(ownNode, [program, ...process.argv.slice(2)], { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
  child.once('exit', (code, signal) => {
    process.exitCode = code ?? (signal ? 130 : 1);
  });
} else {
  fail(`hubscore needs Node ${OLDEST} or newer, and this is ${process.versions.node}.`);
}

function fail(reason) {
  process.stderr.write(`${reason}\nRun \`npm install\` in ${path('..')}, which builds it and brings a Node along.\n`);
  process.exitCode = 1;
}
