import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { EXIT } from './exit-codes.ts';
import { createHeldList, type HeldNote, ORPHANS } from './queues/held-messages.ts';

const RESTART_AFTER_MS = 500;
/** Beyond functionTimeout, before a worker that gives no sign of life is killed. */
const SILENCE_MS = 5_000;
/** The real host gives up at the third crash of its worker in about this time, and ends with status 0. */
const CRASHES = { atMost: 2, withinMs: 12_000 };

interface Message {
  readonly ready?: string;
  readonly timeoutMs?: number;
}

/**
 * Runs the function app of the current folder in a worker process, and another after it where a function timed out or
 * crashed it, as the real host does, which gives up where that comes too often. HTTP on FUNCTIONS_PORT (7071), for this machine alone unless
 * FUNCTIONS_HOST is set. Ends with the worker otherwise. `--like-azure`: it waits where the real host does (waits.ts).
 */
function supervise(): void {
  const script = new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js', import.meta.url);
  const options = readOptions();
  const scratch = mkdtempSync(join(tmpdir(), 'hubscore-host-'));
  const runningFile = join(scratch, 'running-batches');
  writeFileSync(runningFile, '');
  process.once('exit', () => rmSync(scratch, { recursive: true, force: true }));
  let worker: ChildProcess;
  let everReady = false;
  let stopping = false;
  let crashedAt: number[] = [];
  const held = createHeldList();

  /** Whether this crash is one too many. */
  const tooMany = () => {
    const now = performance.now();
    crashedAt = [...crashedAt.filter(at => now - at <= CRASHES.withinMs), now];
    return crashedAt.length > CRASHES.atMost;
  };
  const start = () => {
    let silence: NodeJS.Timeout | undefined;
    let timedOut = false;
    let timeoutMs = Number.POSITIVE_INFINITY;
    const kill = () => {
      process.stderr.write('functions host: a function blocks the worker for longer than functionTimeout\n');
      timedOut = true;
      worker.kill('SIGKILL');
    };
    worker = fork(script, [runningFile, ...options], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      env: { ...process.env, [ORPHANS]: JSON.stringify(held.take()) },
    });
    worker.on('message', (message: Message | HeldNote) => {
      if ('held' in message || 'settled' in message) {
        held.note(message);
        return;
      }
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
      process.stderr.write(`functions host: the worker ended (${code ?? 'killed'})\n`);
      if (code !== EXIT.restart && !timedOut && tooMany()) {
        process.stderr.write('functions host: Exceeded language worker restart retry count; ending\n');
        process.exit(0);
      }
      setTimeout(() => stopping || start(), RESTART_AFTER_MS);
    });
  };
  const stop = () => {
    stopping = true;
    if (worker.exitCode === null && worker.signalCode === null) worker.kill('SIGTERM');
    else process.exit(0);
  };
  process.on('SIGTERM', stop).on('SIGINT', stop);
  start();
}

/** Those that the worker takes; ends the process where there are others. */
function readOptions(): string[] {
  try {
    const { values } = parseArgs({ options: { 'like-azure': { type: 'boolean' } } });
    return values['like-azure'] ? ['--like-azure'] : [];
  } catch (error) {
    process.stderr.write(`functions host: ${(error as Error).message}\n`);
    process.exit(EXIT.failed);
  }
}

supervise();
