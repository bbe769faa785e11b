import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, renameSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openMarks } from '../../../src/apart/marks.ts';
import { notes, temporaryFolder } from '../../support/models.ts';

const SCRIPT = fileURLToPath(new URL('../../support/marking-process.ts', import.meta.url));

describe('marks of what is in flight', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  const running: ChildProcess[] = [];
  beforeEach(() => {
    folder = temporaryFolder();
  });
  afterEach(async () => {
    for (const child of running.splice(0)) await kill(child);
    folder.remove();
  });

  const start = async (...ranges: string[]) => {
    const child = spawn(process.execPath, [SCRIPT, folder.path, ...ranges], { stdio: ['ignore', 'pipe', 'inherit'] });
    running.push(child);
    const [line] = await once(child.stdout.setEncoding('utf8'), 'data');
    return { child, ...(JSON.parse(line) as { found: unknown[]; lines: string[] }) };
  };
  const kill = async (child: ChildProcess) => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  };
  const open = (log = notes()) => openMarks(folder.path, log, 5);
  const files = () => readdirSync(folder.path);

  it('of a process that was killed are found by the next one, and by one alone', async () => {
    const { child } = await start('2:1000:1009', '0:5:5', 'http');
    const early = open();
    expect(early.found, 'it still lives').toEqual([]);
    await kill(child);
    const log = notes();
    const [marks, late] = [open(log), open(log)];
    expect([...marks.found].sort((a, b) => a.first - b.first)).toEqual([
      { partition: undefined, first: 0, last: -1, size: 0 },
      { partition: '0', first: 5, last: 20, size: 1 },
      { partition: '2', first: 1000, last: 1159, size: 10 },
    ]);
    expect(late.found).toEqual([]);
    for (const each of [early, marks, late]) each.close();
    expect(files()).toEqual([]);
    expect(log.lines).toEqual([]);
  });

  it('fall to one of several processes that start at once', async () => {
    await kill((await start('1:1:1')).child);
    const found = await Promise.all([start(), start(), start()]);
    expect(found.flatMap(each => each.found)).toHaveLength(1);
  });

  it('that were taken over outlive that process too, until they are dealt with', async () => {
    await kill((await start('1:7:7')).child);
    const second = await start();
    expect(second.found).toHaveLength(1);
    await kill(second.child);
    const third = open();
    expect(third.found).toEqual([{ partition: '1', first: 7, last: 22, size: 1 }]);
    third.forget();
    expect(files()).toHaveLength(1);
    third.close();
    expect(open().found).toEqual([]);
  });

  it('are taken off some time after the work, and on again; written once for several batches', async () => {
    const marks = open();
    const [name = ''] = files();
    const text = () => readFileSync(join(folder.path, name), 'latin1').trim();
    const slot = marks.slot('3');
    slot.enter(100, 109);
    expect(text()).toBe('100 259 10 3');
    slot.leave();
    slot.enter(110, 119);
    expect(text(), 'covered').toBe('100 259 10 3');
    slot.leave();
    slot.enter(120, 139);
    expect(text(), 'a larger batch').toBe('120 439 20 3');
    await sleep(60);
    expect(text(), 'still inside').toBe('120 439 20 3');
    slot.leave();
    await expect.poll(text).toBe('');
    slot.enter(140, 140);
    expect(text()).toBe('140 155 1 3');
    marks.close();
  });

  it('of a process whose id is used again are found all the same', async () => {
    const { child } = await start('4:1:2');
    await kill(child);
    const [name = ''] = files();
    renameSync(join(folder.path, name), join(folder.path, name.replace(/-\d+-\d+/, `-${process.pid}-1`)));
    expect(open().found).toEqual([{ partition: '4', first: 1, last: 32, size: 2 }]);
  });

  it('that were torn tell that something was under way', async () => {
    await kill((await start('0:1:1', '5:1:1')).child);
    const [name = ''] = files();
    truncateSync(join(folder.path, name), 128 + 3);
    expect(open().found).toEqual([
      { partition: '0', first: 1, last: 16, size: 1 },
      { partition: undefined, first: 0, last: -1, size: 0 },
    ]);
  });

  it('leave files of others alone, and of other machines', async () => {
    const names = ['00000000-1-1-x.marks', 'readme'];
    for (const name of names) writeFileSync(join(folder.path, name), '1 2 3 4');
    expect(open().found).toEqual([]);
    expect(files()).toEqual(expect.arrayContaining(names));
  });

  it('are gone without where the folder cannot be used, which is said once', () => {
    const log = notes();
    mkdirSync(join(folder.path, 'there'));
    writeFileSync(join(folder.path, 'there', 'file'), '');
    const marks = openMarks(join(folder.path, 'there', 'file'), log);
    marks.slot('1').enter(1, 1);
    marks.slot('1').enter(100, 100);
    marks.close();
    expect(log.lines).toEqual([expect.stringMatching(/file: .*; what is in flight is not marked/)]);
  });
});
