import { createTriedFiles } from '../../src/models/tried.ts';
import { passing, versionNamed } from './tried-version.ts';

// Opens a file that passed, in a folder and at a time, and never comes back: it dies meanwhile, or stands still until it is killed.
const [dir = '', how, nowMs] = process.argv.slice(2);
const log = { info() {}, warn() {}, error() {} };
const tried = createTriedFiles({ trial: passing, dir, clock: () => Number(nowMs), log });
const forever = setInterval(() => {}, 1_000);
await tried.open(versionNamed('m'), AbortSignal.timeout(60_000), async () => {
  process.stdout.write('opening\n');
  if (how === 'die') process.kill(process.pid, 'SIGKILL');
  await new Promise(() => {});
});
clearInterval(forever);
