#!/usr/bin/env node
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

// npx runs this with whatever Node the machine has, so nothing newer may be imported before the version is known.
const OLDEST = 22;
const bundled = fileURLToPath(new URL('../../node_modules/node/bin/node', import.meta.url));

if (Number(process.versions.node.split('.')[0]) >= OLDEST) {
  const own = import.meta.url.endsWith('.ts') ? './main.ts' : './main.js';
  await import(new URL(own, import.meta.url).href);
} else if (existsSync(bundled)) {
  const [, script, ...args] = process.argv;
  const child = spawn(bundled, [script as string, ...args], { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
  child.once('exit', (code, signal) => {
    process.exitCode = code ?? (signal ? 130 : 1);
  });
} else {
  process.stderr.write(
    `hubscore needs Node ${OLDEST} or newer, and this is ${process.versions.node}.\n` +
      'Run `npm install` in the project, which brings one along, or install a newer Node.\n',
  );
  process.exitCode = 1;
}
