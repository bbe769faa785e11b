import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, it, vi } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../..');

/** Processes that a process started, and theirs. */
function descendantsOf(pid: number): number[] {
  const parents = readdirSync('/proc').flatMap(name => {
    if (!/^\d+$/.test(name)) return [];
    try {
      // The name in parentheses may hold anything; the parent is the second field behind it.
      const fields = readFileSync(`/proc/${name}/stat`, 'utf8')
        .replace(/^.*\) /s, '')
        .split(' ');
      return [{ pid: Number(name), parent: Number(fields[1]) }];
    } catch {
      return []; // ended meanwhile
    }
  });
  const of = (parent: number): number[] =>
    parents.filter(each => each.parent === parent).flatMap(each => [each.pid, ...of(each.pid)]);
  return of(pid);
}

const commandOf = (pid: number) => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return ''; // ended meanwhile
  }
};

const lives = (pid: number) => {
  try {
    process.kill(pid, 0);
    return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
  } catch {
    return false;
  }
};

it('a bench that is ended takes along what it started, having said what it does', async () => {
  const bench = spawn(process.execPath, ['bench/run.ts', '--only', 'stream'], { cwd: ROOT, stdio: 'pipe' });
  let said = '';
  bench.stdout.on('data', chunk => {
    said += String(chunk);
  });
  bench.stderr.resume();
  try {
    const endpoints = () => descendantsOf(bench.pid as number).filter(pid => commandOf(pid).includes('event-hubs'));
    await vi.waitFor(() => expect(endpoints()).not.toEqual([]), 60_000);
    expect(said).toContain('── stream');
    const started = descendantsOf(bench.pid as number);
    bench.kill('SIGTERM');
    await once(bench, 'exit');
    await vi.waitFor(() => expect(started.filter(lives)).toEqual([]), 30_000);
  } finally {
    bench.kill('SIGKILL');
  }
}, 120_000);
