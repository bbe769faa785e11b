import { type ChildProcess, fork } from 'node:child_process';
import { EXIT } from './exit-codes.ts';

const RESTART_AFTER_MS = 500;
/** Beyond functionTimeout, before a worker that gives no sign of life is killed. */
const SILENCE_MS = 5_000;

interface Message {
  readonly ready?: string;
  readonly timeoutMs?: number;
}

/**
 * Runs the function app of the current folder in a worker process, and another after it where a function timed out or
 * crashed it, as the real host does. HTTP on FUNCTIONS_PORT (7071), for this machine alone unless
 * FUNCTIONS_HOST is set. Ends with the worker otherwise.
 */
function supervise(): void {
  const script = new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js', import.meta.url);
  let worker: ChildProcess;
  let everReady = false;
  let stopping = false;

  const start = () => {
    let silence: NodeJS.Timeout | undefined;
    let timeoutMs = Number.POSITIVE_INFINITY;
    worker = fork(script, process.argv.slice(2), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    worker.on('message', (message: Message) => {
      if (message.ready !== undefined) {
        process.stdout.write(`${everReady ? 'running again' : 'ready'} ${message.ready}\n`);
        everReady = true;
        timeoutMs = message.timeoutMs ?? timeoutMs; // Infinity does not survive JSON
      }
      clearTimeout(silence);
      if (Number.isFinite(timeoutMs)) silence = setTimeout(kill, timeoutMs + SILENCE_MS);
    });
    worker.once('exit', code => {
      clearTimeout(silence);
      if (stopping || !everReady || code === EXIT.failed) process.exit(code ?? EXIT.failed);
      process.stderr.write(`functions host: the worker ended (${code ?? 'killed'}), starting another\n`);
      setTimeout(() => stopping || start(), RESTART_AFTER_MS);
    });
  };
  const kill = () => {
    process.stderr.write('functions host: a function blocks the worker for longer than functionTimeout\n');
    worker.kill('SIGKILL');
  };
  const stop = () => {
    stopping = true;
    if (worker.exitCode === null && worker.signalCode === null) worker.kill('SIGTERM');
    else process.exit(0);
  };
  process.on('SIGTERM', stop).on('SIGINT', stop);
  start();
}

supervise();
