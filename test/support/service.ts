import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '../..');

export interface Service {
  /** The line it was ready with. */
  readonly readyLine: string;
  readonly pid: number;
  /** All it has written so far, standard output and error together. */
  log(): string;
  /** SIGTERM, and waits for its end; the exit code. */
  stop(): Promise<number | null>;
  /** SIGKILL to its whole process group. */
  kill(): Promise<void>;
}

export interface Launch {
  readonly child: ChildProcess;
  log(): string;
}

/** Starts an entry file of ours under this Node in its own process group, without waiting for it. */
export function launch(
  entry: string,
  environment: Record<string, string>,
  cwd = ROOT,
  args: string[] = [],
  node = process.execPath,
): Launch {
  const child = spawn(node, [resolve(ROOT, entry), ...args], {
    cwd,
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let log = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', text => {
      log += text;
    });
  }
  // A test run that ends early leaves no process behind.
  const kill = () => signalGroup(child, 'SIGKILL');
  process.once('exit', kill);
  child.once('exit', () => process.removeListener('exit', kill));
  return { child, log: () => log };
}

/** Starts an entry file of ours and waits for its `ready` line. @throws Error with what it wrote, where it ends or 30 s pass before. */
export async function startService(
  entry: string,
  environment: Record<string, string>,
  cwd = ROOT,
  args: string[] = [],
  node?: string,
): Promise<Service> {
  const { child, log } = launch(entry, environment, cwd, args, node);
  const readyLine = await new Promise<string>((ready, fail) => {
    const timer = setTimeout(() => fail(new Error(`${entry} was not ready in 30 s:\n${log()}`)), 30_000);
    const look = () => {
      const line = /^ready.*(?=\n)/m.exec(log())?.[0];
      if (line) settle(() => ready(line));
    };
    const ended = (code: number | null) => settle(() => fail(new Error(`${entry} ended with ${code}:\n${log()}`)));
    const settle = (end: () => void) => {
      clearTimeout(timer);
      child.stdout?.off('data', look);
      child.off('close', ended);
      end();
    };
    child.stdout?.on('data', look);
    child.once('close', ended);
  }).catch(error => {
    signalGroup(child, 'SIGKILL');
    throw error;
  });
  const end = async (signal: NodeJS.Signals) => {
    if (child.exitCode === null && child.signalCode === null) {
      const ended = once(child, 'exit');
      if (signal === 'SIGKILL') signalGroup(child, signal);
      else child.kill(signal);
      await ended;
    }
    return child.exitCode;
  };
  return {
    readyLine,
    pid: child.pid as number,
    log,
    stop: () => end('SIGTERM'),
    kill: async () => void (await end('SIGKILL')),
  };
}

function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  try {
    if (pid) process.kill(-pid, signal);
  } catch {
    // already gone
  }
}
