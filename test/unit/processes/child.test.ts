import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { type Child, ChildLost, startChild } from '../../../src/processes/child.ts';
import type { Oddity } from '../../support/odd-child.ts';

const SCRIPT = new URL('../../support/odd-child.ts', import.meta.url);
const ORPHANS = fileURLToPath(new URL('../../support/orphan-maker.ts', import.meta.url));

describe('a child process', () => {
  const started: Child<Oddity, unknown>[] = [];
  const start = () => {
    const child = startChild<Oddity, unknown>({ script: SCRIPT, name: 'the odd child' });
    started.push(child);
    return child;
  };
  const lossOf = async (asked: Promise<unknown>) => {
    const thrown = await asked.catch(error => error);
    expect(thrown).toBeInstanceOf(ChildLost);
    const { loss, begun, message } = thrown as ChildLost;
    return { loss, begun, message };
  };

  afterEach(async () => {
    for (const child of started.splice(0)) {
      child.kill();
      await child.ended;
    }
  });

  it('answers in order, with typed arrays as they are, and goes on after an error', async () => {
    const child = start();
    const data = new Float32Array([1, 2, 3, 4]).subarray(1, 3);
    const [first, failed, last] = await Promise.allSettled([
      child.ask({ kind: 'echo', value: { data, big: 2n ** 63n } }),
      child.ask({ kind: 'throw' }),
      child.ask({ kind: 'echo', value: 3 }),
    ]);
    expect(first).toEqual({ status: 'fulfilled', value: { data: new Float32Array([2, 3]), big: 2n ** 63n } });
    expect((failed as PromiseRejectedResult).reason.message).toBe('out of luck');
    expect(last).toEqual({ status: 'fulfilled', value: 3 });
    expect(child.pending).toBe(0);
  });

  it('is not asked what cannot be sent', async () => {
    const child = start();
    await expect(child.ask({ kind: 'echo', value: () => {} })).rejects.toThrow('could not be cloned');
    expect(child.pending).toBe(0);
    expect(await child.ask({ kind: 'echo', value: 2 })).toBe(2);
  });

  it('that crashes says so to what it had begun, and to what lay behind that', async () => {
    const child = start();
    await child.ask({ kind: 'echo', value: 1 });
    const [begun, behind] = await Promise.all([
      lossOf(child.ask({ kind: 'die' })),
      lossOf(child.ask({ kind: 'echo', value: 2 })),
    ]);
    expect(begun).toEqual({ loss: 'died', begun: true, message: 'the odd child was ended by SIGSEGV' });
    expect(behind).toEqual({ ...begun, begun: false });
    expect(child.alive).toBe(false);
    expect(await lossOf(child.ask({ kind: 'echo', value: 1 }))).toMatchObject({ begun: false });
  });

  it('that leaves is known by its last words', async () => {
    expect((await lossOf(start().ask({ kind: 'leave' }))).message).toBe(
      'the odd child ended with status 3: Error: had enough',
    );
  });

  it('that does not answer in time is killed; the time of what waits begins with its turn', async () => {
    const child = start();
    await child.ask({ kind: 'echo', value: 1 });
    const both = [
      child.ask({ kind: 'wait', ms: 400 }, { timeMs: 600 }),
      child.ask({ kind: 'wait', ms: 400 }, { timeMs: 600 }),
    ];
    expect(await Promise.all(both)).toEqual(['waited', 'waited']);
    expect(await lossOf(child.ask({ kind: 'spin' }, { timeMs: 200 }))).toEqual({
      loss: 'time',
      begun: true,
      message: 'the odd child did not answer within 0.2 s and was ended',
    });
  });

  it('that grows too much is ended, by its own watchdog', async () => {
    const child = start();
    expect(await child.ask({ kind: 'echo', value: 1 }, { growBytes: 300e6 })).toBe(1);
    expect(await lossOf(child.ask({ kind: 'eat' }, { growBytes: 300e6 }))).toEqual({
      loss: 'memory',
      begun: true,
      message: 'the odd child took more than 286 MB and was ended',
    });
  });

  it('ends by itself once it is let, with what it had to do done', async () => {
    const child = start();
    const answer = child.ask({ kind: 'wait', ms: 50 });
    await child.end();
    expect(await answer).toBe('waited');
    expect(child.alive).toBe(false);
  });

  it('does not end by what a terminal sends to all processes', async () => {
    const child = start();
    await child.ask({ kind: 'echo', value: 1 });
    const answer = child.ask({ kind: 'wait', ms: 300 });
    process.kill(child.pid as number, 'SIGINT');
    process.kill(child.pid as number, 'SIGTERM');
    expect(await answer).toBe('waited');
  });

  it('never outlives its parent, not even inside an endless loop', async () => {
    const parent = spawn(process.execPath, [ORPHANS], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = await once(parent.stdout.setEncoding('utf8'), 'data');
    const pid = Number(line);
    parent.kill('SIGKILL');
    await once(parent, 'exit');
    await expect.poll(() => isAlive(pid), { timeout: 5_000 }).toBe(false);
  });
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
