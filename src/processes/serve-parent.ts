import { writeFileSync } from 'node:fs';
import { asError } from '../core/errors.ts';
import type { Envelope, Reply } from './protocol.ts';
import { startWatchdog } from './watchdog.ts';

/**
 * The other end of `startChild`: answers the parent's requests, one after the other. A watchdog ends this process where it grows too much, or where its parent is gone, even inside native
 * code that never returns.
 * @param answer what it throws is the parent's to hear
 * @param end frees what is held, before this process ends by itself
 */
export function serveParent<Asked, Given>(
  answer: (request: Asked) => Promise<Given>,
  end: () => Promise<unknown> = async () => {},
): void {
  const watchdog = startWatchdog();
  dieFirst();
  // Ctrl-C reaches all processes of a terminal: what this one has begun is the parent's to end.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => {});
  let last: Promise<unknown> = watchdog.ready;
  const send = (reply: Reply) => new Promise<void>(resolve => process.send?.(reply, () => resolve()));

  process.on('message', (envelope: Envelope) => {
    last = last.then(async () => {
      if ('end' in envelope) {
        await end();
        process.disconnect();
        return;
      }
      watchdog.begin(envelope.growBytes);
      const reply = await answer(envelope.request as Asked).then(
        given => ({ given }),
        thrown => ({ failed: asError(thrown).message }),
      );
      watchdog.rest();
      await send(reply);
    });
  });
  process.once('disconnect', () => void last.then(() => process.exit()));
}

/** Where the machine runs out of memory, this process goes before the one that holds the partitions. Only Linux knows of it. */
function dieFirst(): void {
  try {
    writeFileSync('/proc/self/oom_score_adj', '1000');
  } catch {
    // there is no such file, or it is not ours to write
  }
}
