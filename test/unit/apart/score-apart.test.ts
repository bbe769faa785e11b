import { afterEach, describe, expect, it } from 'vitest';
import { createChildren } from '../../../src/apart/children.ts';
import type { Asked, Given } from '../../../src/apart/protocol.ts';
import { createScoreApart } from '../../../src/apart/score-apart.ts';
import { createDeadLetterRenderer } from '../../../src/codecs/event-json/dead-letter.ts';
import { type Loss, startChild } from '../../../src/processes/child.ts';
import { batchOf, quiet } from '../../support/events.ts';

const script = new URL('../../support/apart-child.ts', import.meta.url);
const { signal } = new AbortController();

describe('scoring apart', () => {
  const closing: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const close of closing.splice(0)) await close();
  });

  function open({ timeMs = 60_000, loadMs = 0, atMost = 2, idleMs = 60_000, environment = {} } = {}) {
    const started: number[] = [];
    const losses: Loss[] = [];
    const children = createChildren({
      start() {
        const child = startChild<Asked, Given>({ script, name: 'the scoring process', environment });
        started.push(child.pid as number);
        return child;
      },
      atMost,
      readyMs: 20_000,
      idleMs,
    });
    closing.push(children.close);
    const score = createScoreApart({
      children,
      renderDeadLetter: createDeadLetterRenderer(100_000, Date.now),
      timeMs,
      loadMs,
      growBytes: 100e6,
      loadBytes: 50e6,
      onLoss: loss => void losses.push(loss),
      log: quiet,
    });
    return { started, losses, score };
  }

  const words = (count: number, change: Readonly<Record<number, string>> = {}) =>
    Array.from({ length: count }, (_, i) => change[i] ?? `w${i}`);
  type Scored = Awaited<ReturnType<ReturnType<typeof open>['score']>>;
  /** By ending: what it says, without the process. */
  const said = (scored: Scored) =>
    scored.outcomes().map(({ kind, body, code }) => (kind === 'result' ? String(body).split(' ')[1] : code));
  const messages = (scored: Scored) =>
    scored
      .outcomes()
      .filter(({ kind }) => kind === 'dead-letter')
      .map(({ body }) => JSON.parse(String(body)).error.message);

  it('answers every event in order, by one process', async () => {
    const { score, started, losses } = open();
    const batch = batchOf(words(200));
    const scored = await score(batch, signal);
    expect(said(scored)).toEqual(words(200));
    expect(scored.events).toBe(batch.events);
    expect(scored.resultId(7)).toBe('inference-requests/2/107');
    expect(said(await score(batchOf(words(3)), signal))).toEqual(words(3));
    expect([started.length, losses]).toEqual([1, []]);
  });

  it('ends the events that kill, each twice and alone; the others are answered, and not twice', async () => {
    const { score, started, losses } = open();
    const scored = await score(batchOf(words(200, { 70: 'crash', 71: 'crash', 199: 'crash' })), signal);
    const failed = 'inference_failed';
    expect(said(scored)).toEqual(words(200, { 70: failed, 71: failed, 199: failed }));
    const message = 'scored alone it took the process with it, twice: the scoring process was ended by SIGSEGV';
    expect(messages(scored)).toEqual([message, message, message]);
    // Two parts of several, and three events twice.
    expect(losses).toEqual(Array(8).fill('died'));
    expect(started, 'the last one died of the last event').toHaveLength(8);
    const by = scored.outcomes().map(({ body }) => Number.parseInt(String(body), 10));
    expect(new Set(by.slice(0, 64)), 'done before the first died').toEqual(new Set([started[0]]));
  });

  it('ends what hangs, or eats memory, in the same way', async () => {
    const { score, losses } = open({ timeMs: 1_500, loadMs: 1_000 });
    const scored = await score(batchOf(['a', 'hang', 'b', 'eat', 'c']), signal);
    expect(said(scored)).toEqual(['a', 'inference_failed', 'b', 'inference_failed', 'c']);
    expect(messages(scored)).toEqual([
      expect.stringMatching(/twice: the scoring process did not answer within 1.5 s and was ended$/),
      expect.stringMatching(/twice: the scoring process took more than 143 MB and was ended$/),
    ]);
    expect([...losses].sort()).toEqual(['memory', 'memory', 'time', 'time', 'time']);
  });

  it('remembers from one delivery to the next which event has killed', async () => {
    const { score, losses } = open({ timeMs: 200, loadMs: 2_000 });
    const deadline = new AbortController();
    const batch = batchOf(['a', 'hang', 'b']);
    const first = score(batch, deadline.signal);
    await expect.poll(() => losses.length, { timeout: 20_000 }).toBe(2);
    deadline.abort(new Error('no time left'));
    await expect(first).rejects.toThrow('no time left');
    expect(said(await score(batch, signal))).toEqual(['a', 'inference_failed', 'b']);
    expect(losses).toEqual(['time', 'time', 'time']);
  });

  it('is ended by its signal at once, which counts against nobody', async () => {
    const { score, losses } = open();
    const deadline = new AbortController();
    const scoring = score(batchOf(['a', 'wait', 'b']), deadline.signal);
    setTimeout(() => deadline.abort(new Error('no time left')), 500);
    await expect(scoring).rejects.toThrow('no time left');
    expect(losses).toEqual([]);
  });

  it('gives on what is wrong with infrastructure, and with scoring', async () => {
    const { score } = open();
    await expect(score(batchOf(['a', 'away']), signal)).rejects.toMatchObject({ name: 'InfrastructureError' });
    await expect(score(batchOf(['a', 'throw']), signal)).rejects.toThrow('out of luck');
  });

  it('has a process for each of several batches, up to a number; one that hangs holds up no other', async () => {
    const { score, started } = open({ timeMs: 2_000, loadMs: 0 });
    const hanging = score(batchOf(['hang']), signal);
    const done: string[] = [];
    const others = ['x', 'y', 'z'].map(word => score(batchOf([word]), signal).then(() => done.push(word)));
    await Promise.all(others);
    expect(started, 'the hanging one has not ended yet').toHaveLength(2);
    expect(said(await hanging)).toEqual(['inference_failed']);
  });

  it('takes many in a row that kill for what they are, as long as others are answered', async () => {
    const { score, losses } = open();
    expect(said(await score(batchOf(['a']), signal))).toEqual(['a']);
    const scored = await score(
      batchOf(words(9, Object.fromEntries([0, 1, 2, 3, 4, 5, 6].map(i => [i, 'crash'])))),
      signal,
    );
    expect(said(scored)).toEqual([...Array(7).fill('inference_failed'), 'w7', 'w8']);
    expect(losses).toHaveLength(15);
  }, 60_000);

  it('gives others a chance before one that stood beside a killer', async () => {
    const { score } = open();
    const killers = Object.fromEntries(Array.from({ length: 14 }, (_, i) => [i, 'crash']));
    const scored = await score(batchOf(words(70, killers)), signal);
    expect(said(scored)).toEqual([...Array(14).fill('inference_failed'), ...words(70).slice(14)]);
  }, 100_000);

  it('blames nobody where no process answers anything: this machine cannot hold them', async () => {
    const { score, losses } = open();
    await expect(score(batchOf(Array(40).fill('crash')), signal)).rejects.toMatchObject({
      name: 'NoChild',
      message: 'none answers anything: the scoring process was ended by SIGSEGV',
    });
    expect(losses).toHaveLength(13);
    await expect(score(batchOf(['crash']), signal)).rejects.toMatchObject({ name: 'NoChild' });
    expect(said(await score(batchOf(['a', 'b']), signal))).toEqual(['a', 'b']);
    expect(said(await score(batchOf(['crash']), signal))).toEqual(['inference_failed']);
  }, 60_000);

  it('ends processes without work, and says where none comes up', async () => {
    const { score, started } = open({ idleMs: 20 });
    await score(batchOf(['a']), signal);
    await expect.poll(() => isAlive(started[0] as number), { timeout: 10_000 }).toBe(false);
    const never = open({ environment: { NEVER_READY: 'yes' } });
    await expect(never.score(batchOf(['a']), signal)).rejects.toMatchObject({
      name: 'NoChild',
      message: 'the scoring process ended with status 7',
    });
    expect(never.started).toHaveLength(3);
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
