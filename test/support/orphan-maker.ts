import { startChild } from '../../src/processes/child.ts';
import type { Oddity } from './odd-child.ts';

// Starts a child that spins for ever, tells its id, and waits to be killed.
const child = startChild<Oddity, unknown>({ script: new URL('./odd-child.ts', import.meta.url), name: 'the child' });
await child.ask({ kind: 'echo', value: 1 });
child.ask({ kind: 'spin' }).catch(() => {});
process.stdout.write(`${child.pid}\n`);
