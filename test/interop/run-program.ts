import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

export type Verdict = 'passed' | 'FAILED' | 'SKIPPED';

/** A program ends so that found that it cannot run here: Automake's convention. */
const CANNOT_RUN = 77;

export interface Program {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly folder: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly timeoutMs: number;
  /** Takes part while it runs; its standard output and input are then pipes. */
  readonly accompany?: ((child: ChildProcess) => Promise<void>) | undefined;
}

/** Runs a foreign program to its end, what it writes shown as it comes. It passes with exit code 0, and has said why it cannot run here with 77; past its time it is killed with all that it started. */
export async function runProgram(program: Program): Promise<Verdict> {
  const { command, args, folder, environment, timeoutMs, accompany } = program;
  const child = spawn(command, args, {
    cwd: folder,
    env: environment,
    stdio: accompany ? ['pipe', 'pipe', 'inherit'] : ['ignore', 'inherit', 'inherit'],
    detached: true,
  });
  const killAll = () => {
    try {
      if (child.pid) process.kill(-child.pid, 'SIGKILL');
    } catch {
      // all gone already
    }
  };
  const timer = setTimeout(() => {
    console.log(`not at its end after ${timeoutMs / 1000} s`);
    killAll();
  }, timeoutMs);
  process.once('exit', killAll);
  try {
    const [[code]] = await Promise.all([once(child, 'exit'), accompany?.(child)]);
    return code === 0 ? 'passed' : code === CANNOT_RUN ? 'SKIPPED' : 'FAILED';
  } catch (error) {
    console.log(String(error));
    return 'FAILED';
  } finally {
    clearTimeout(timer);
    killAll();
    process.removeListener('exit', killAll);
  }
}
