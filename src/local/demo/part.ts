import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { LATE, within } from '../waiting.ts';
import { openPartLog } from './part-log.ts';

const KILL_AFTER_MS = 12_000;
const FOLLOW_PARENT = new URL(
  import.meta.url.endsWith('.ts') ? './follow-parent.ts' : './follow-parent.js',
  import.meta.url,
);

/** One process of the local stack. */
export interface Part {
  readonly name: string;
  readonly logFile: string;
  /** Resolves with its `ready` line; rejects where it ends or `readyMs` pass before. */
  readonly ready: Promise<string>;
  /** Resolves once the process is gone, with how it went. */
  readonly ended: Promise<string>;
  /** The last lines it wrote. */
  lastLines(): string[];
  /** SIGTERM, SIGKILL where that does not help; resolves once it is gone. */
  stop(): Promise<void>;
  kill(): void;
}

export interface PartOptions {
  readonly name: string;
  /** Path of the entry file. */
  readonly entry: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly folder: string;
  readonly logFile: string;
  readonly readyMs: number;
}

/**
 * Starts one process in a group of its own: Ctrl-C in the terminal then reaches `npm start` alone, which ends the parts in
 * their order.
 */
export function startPart(options: PartOptions): Part {
  const log = openPartLog(options.logFile);
  const child = spawn(process.execPath, ['--import', FOLLOW_PARENT.href, options.entry], {
    cwd: options.folder,
    env: { ...process.env, ...options.environment },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    detached: true,
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => log.write(text));
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream });
  const ended = new Promise<string>(end => {
    child.once('error', error => end(error.message));
    child.once('close', (code, signal) => end(signal ? `ended by ${signal}` : `ended with exit code ${code}`));
  });
  void ended.then(() => log.close());
  const ready = new Promise<string>((beReady, fail) => {
    const { readyMs } = options;
    const timer = setTimeout(() => fail(new Error(`not ready in ${readyMs / 1000} s`)), readyMs);
    lines.on('line', line => {
      log.write(`${line}\n`);
      if (!line.startsWith('ready')) return;
      clearTimeout(timer);
      beReady(line);
    });
    void ended.then(how => {
      clearTimeout(timer);
      fail(new Error(how));
    });
  });
  ready.catch(() => {}); // met by whoever awaits it
  return {
    name: options.name,
    logFile: options.logFile,
    ready,
    ended,
    lastLines: () => log.tail(),
    kill: () => void child.kill('SIGKILL'),
    async stop() {
      child.kill('SIGTERM');
      if ((await within(ended, KILL_AFTER_MS)) === LATE) child.kill('SIGKILL');
      await ended;
    },
  };
}
