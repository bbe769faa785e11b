import { setTimeout as sleep } from 'node:timers/promises';
import { serveParent } from '../../src/processes/serve-parent.ts';

/** What `odd-child` can be asked to do. */
export type Oddity =
  | { readonly kind: 'echo'; readonly value: unknown }
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'throw' | 'die' | 'spin' | 'eat' | 'leave' };

const eaten: Buffer[] = [];

// A child process that misbehaves as asked.
serveParent<Oddity, unknown>(async asked => {
  switch (asked.kind) {
    case 'echo':
      return asked.value;
    case 'wait':
      return sleep(asked.ms, 'waited');
    case 'throw':
      throw new Error('out of luck');
    case 'die':
      process.kill(process.pid, 'SIGSEGV');
      return sleep(10_000);
    case 'spin':
      for (;;);
    case 'eat':
      for (let bites = 0; bites < 200; bites++) {
        eaten.push(Buffer.alloc(10_000_000, 1));
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2);
      }
      return 'sated';
    case 'leave':
      process.stderr.write('Error: had enough\n    at somewhere\n');
      return process.exit(3);
  }
});
