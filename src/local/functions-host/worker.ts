import { SetupError } from './errors.ts';
import { EXIT } from './exit-codes.ts';
import { type RunningHost, startHost } from './host.ts';
import { describeError, messageOf } from './log.ts';
import { type HeldMessage, type HeldNote, ORPHANS } from './queues/held-messages.ts';
import { AZURE_WAITS, NO_WAITS } from './waits.ts';

const DRAIN_MS = 9_000;
const ABANDON_MS = 2_000;
const BEAT_MS = 1_000;

const write = (line: string, error: boolean) => (error ? process.stderr : process.stdout).write(line);

function fail(error: unknown, code: number): never {
  write(`functions host: ${error instanceof SetupError ? messageOf(error) : describeError(error)}\n`, true);
  process.exit(code);
}

const tell = (note: HeldNote) => process.send?.(note);

let host: RunningHost | undefined;
let ending = false;

/** Ends this process so that the supervisor starts another; the timed-out batch's checkpoint is written before. */
function replace(): void {
  if (ending) return;
  ending = true;
  setTimeout(() => process.exit(EXIT.restart), ABANDON_MS);
  // A turn later, when the failed batch is marked as done, or as one to be retried.
  setImmediate(async () => {
    await host?.abandon();
    process.exit(EXIT.restart);
  });
}

function stop(): void {
  if (ending) return;
  ending = true;
  if (!host) process.exit(EXIT.drained);
  const { log } = host;
  setTimeout(() => {
    log('warning', 'Host', `functions still running after ${DRAIN_MS} ms; ending without them`);
    process.exit(EXIT.failed);
  }, DRAIN_MS);
  host.stop().then(
    () => process.exit(EXIT.drained),
    error => fail(error, EXIT.failed),
  );
}

async function main(): Promise<void> {
  process.on('SIGTERM', stop).on('SIGINT', stop);
  // What an app leaves unhandled ends its worker, as it ends the real one.
  process.on('uncaughtException', error => fail(error, EXIT.crashed));
  process.on('unhandledRejection', error => fail(error, EXIT.crashed));
  process.once('disconnect', () => process.exit(EXIT.failed)); // the supervisor is gone, nobody could stop this process
  const [runningFile = '', ...options] = process.argv.slice(2);
  const orphans = JSON.parse(process.env[ORPHANS] ?? '[]') as HeldMessage[];
  delete process.env[ORPHANS];
  host = await startHost({
    folder: process.cwd(),
    environment: process.env,
    waits: options.includes('--like-azure') ? AZURE_WAITS : NO_WAITS,
    runningFile,
    write,
    onTimeout: replace,
    takesConsole: true,
    held: { hold: held => tell({ held }), settle: settled => tell({ settled }) },
    orphans,
  });
  process.send?.({ ready: host.summary, timeoutMs: host.timeoutMs });
  // A function that never yields is found out by the supervisor, from the beats that are missing.
  setInterval(() => process.send?.({}), BEAT_MS).unref();
}

main().catch(error => fail(error, EXIT.failed));
