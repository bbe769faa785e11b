import { cpSync, readFileSync, statSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ConfigError } from '../../../../src/local/event-hubs/config-error.ts';
import { segmentPath } from '../../../../src/local/event-hubs/store/segment.ts';
import { aFolder, append, openLog, readAll } from './a-log.ts';

describe('a partition log', () => {
  it('goes on where it stood after a restart', () => {
    using folder = aFolder();
    let now = 1000;
    const clock = () => now;
    const first = openLog(folder.path, { clock });
    expect(append(first, ['a', 'b'])).toBeUndefined();
    now = 2000;
    append(first, ['c']);
    const before = readAll(first);
    const [end, offset] = [first.endPosition, first.lastEventPosition];
    first.close();

    now = 500; // a clock that was set back must not turn time around
    const second = openLog(folder.path, { clock });
    expect(readAll(second)).toEqual(before);
    expect([second.nextSequence, second.endPosition, second.lastEventPosition, second.lastTimeMs]).toEqual([
      3,
      end,
      offset,
      2000,
    ]);
    append(second, ['d']);
    const after = readAll(second);
    expect(after.map(({ text, sequence, timeMs }) => [text, sequence, timeMs])).toEqual([
      ['a', 0, 1000],
      ['b', 1, 1000],
      ['c', 2, 2000],
      ['d', 3, 2000],
    ]);
    expect(after.at(-1)?.position).toBe(second.lastEventPosition);
    second.close();
  });

  it('keeps every whole batch and nothing of a torn one, wherever a kill cut the file', () => {
    using folder = aFolder();
    const log = openLog(join(folder.path, 'whole'));
    append(log, ['one', 'two']);
    const kept = log.endPosition;
    append(log, ['three', 'four', 'five']);
    const whole = readAll(log);
    const end = log.endPosition;
    log.close();
    for (let bytes = 0; bytes <= end; bytes++) {
      const copy = join(folder.path, `cut-${bytes}`);
      cpSync(join(folder.path, 'whole'), copy, { recursive: true });
      truncateSync(segmentPath(copy, 0, 0), bytes);
      const warnings: string[] = [];
      const cut = openLog(copy, { warn: message => warnings.push(message) });
      const expected = bytes === end ? whole : bytes >= kept ? whole.slice(0, 2) : [];
      expect(readAll(cut), `cut at ${bytes}`).toEqual(expected);
      expect(warnings.length, `warnings for a cut at ${bytes}`).toBe([0, kept, end].includes(bytes) ? 0 : 1);
      append(cut, ['next']);
      expect(readAll(cut).at(-1)).toMatchObject({ text: 'next', sequence: expected.length });
      cut.close();
      const again = openLog(copy); // would throw on a warning: the cut left nothing torn behind
      expect(readAll(again).length).toBe(expected.length + 1);
      again.close();
    }
  });

  it('takes a batch with a changed byte for a torn one', () => {
    using folder = aFolder();
    const log = openLog(folder.path);
    append(log, ['good']);
    const from = log.endPosition;
    append(log, ['soon changed']);
    log.close();
    const path = segmentPath(folder.path, 0, 0);
    const good = readFileSync(path);
    for (let at = from; at < good.length; at++) {
      const bad = Buffer.from(good);
      bad[at] = bad[at]! ^ 0x10;
      writeFileSync(path, bad);
      const warnings: string[] = [];
      const opened = openLog(folder.path, { warn: message => warnings.push(message) });
      expect(
        readAll(opened).map(({ text }) => text),
        `byte ${at} changed`,
      ).toEqual(['good']);
      expect(warnings[0]).toContain('torn');
      opened.close();
    }
  });

  it('reads on over segments, and finds them again', () => {
    using folder = aFolder();
    const log = openLog(folder.path, { segmentBytes: 300 });
    const texts = Array.from({ length: 50 }, (_, i) => `event ${i}`);
    for (const text of texts) append(log, [text]);
    expect(log.segments.length).toBeGreaterThan(5);
    expect(readAll(log).map(({ text }) => text)).toEqual(texts);
    log.close();
    const again = openLog(folder.path, { segmentBytes: 300 });
    expect(readAll(again).map(({ text, sequence }) => [text, sequence])).toEqual(texts.map((text, i) => [text, i]));
    again.close();
  });

  it('refuses data with a hole', () => {
    using folder = aFolder();
    const log = openLog(folder.path, { segmentBytes: 100 });
    for (let i = 0; i < 5; i++) append(log, [`event ${i}`]);
    const [first] = log.segments;
    log.close();
    truncateSync(first!.path, first!.bytes - 1);
    expect(() => openLog(folder.path)).toThrow(ConfigError);
  });

  it('drops what is older than allowed and keeps counting, also after a restart', () => {
    using folder = aFolder();
    let now = 0;
    const clock = () => now;
    const log = openLog(folder.path, { clock, segmentBytes: 200 });
    for (now = 1000; now <= 10_000; now += 1000) append(log, [`at ${now}`]);
    log.retain(5500, Number.POSITIVE_INFINITY);
    const left = readAll(log);
    // Whole segments go, so an event may outlive its time, but none goes before it.
    expect(left.some(({ timeMs }) => timeMs === 6000)).toBe(true);
    expect(log.firstSequence).toBeGreaterThan(0);
    expect(left[0]?.sequence).toBe(log.firstSequence);

    log.retain(99_000, Number.POSITIVE_INFINITY);
    log.retain(99_000, Number.POSITIVE_INFINITY);
    expect([log.firstSequence, log.nextSequence]).toEqual([10, 10]);
    log.close();
    const again = openLog(folder.path, { clock });
    expect([again.firstSequence, again.nextSequence]).toEqual([10, 10]);
    append(again, ['new']);
    expect(readAll(again).map(({ text, sequence }) => [text, sequence])).toEqual([['new', 10]]);
    again.close();
  });

  it('drops the oldest of what is too much, and says so', () => {
    using folder = aFolder();
    const warnings: string[] = [];
    const log = openLog(folder.path, { segmentBytes: 200, warn: message => warnings.push(message) });
    for (let i = 0; i < 40; i++) append(log, [`event ${i}`]);
    log.retain(0, 1000);
    expect(log.endPosition - log.firstPosition).toBeLessThanOrEqual(1000);
    expect(log.endPosition - log.firstPosition).toBeGreaterThan(500);
    expect(readAll(log).at(-1)?.text).toBe('event 39');
    expect(warnings.at(-1)).toContain(`to ${log.firstSequence - 1} of`);
    log.close();
  });

  it('remembers idempotent producers over a restart', () => {
    using folder = aFolder();
    const log = openLog(folder.path);
    append(log, ['a', 'b'], { id: 2 ** 40 + 7, epoch: 3, lastSequence: 2 });
    append(log, ['c'], { id: 2 ** 40 + 7, epoch: 3, lastSequence: 3 });
    log.close();
    const again = openLog(folder.path);
    expect(again.producer(2 ** 40 + 7)).toEqual({ id: 2 ** 40 + 7, epoch: 3, lastSequence: 3 });
    expect(again.producer(1)).toBeUndefined();
    again.close();
  });

  it('acknowledges with an error, and stores nothing, where the disk is full', () => {
    using folder = aFolder();
    symlinkSync('/dev/full', segmentPath(folder.path, 0, 0));
    const warnings: string[] = [];
    const log = openLog(folder.path, { warn: message => warnings.push(message) });
    expect(append(log, ['a'])?.message).toContain('ENOSPC');
    expect([log.nextSequence, log.endPosition]).toEqual([0, 0]);
    expect(append(log, ['b'])).toBeInstanceOf(Error);
    log.close();
  });

  it('writes what one turn brings with all its batches, each whole', () => {
    using folder = aFolder();
    const log = openLog(folder.path);
    const done: number[] = [];
    for (let i = 0; i < 3; i++)
      log.append(
        { count: 1, maxBytes: 100, encode: (slab, at) => at + slab.write('\0\0\0\x01\0\0x', at, 'latin1') },
        () => done.push(i),
      );
    expect(statSync(segmentPath(folder.path, 0, 0)).size).toBe(0);
    expect(readAll(log)).toEqual([]);
    log.flush();
    expect(done).toEqual([0, 1, 2]);
    expect(readAll(log).map(({ sequence }) => sequence)).toEqual([0, 1, 2]);
    log.close();
  });
});
