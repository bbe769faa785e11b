import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { commandSettings } from '../../../src/cli/environment.ts';
import { readCaptureWindow } from '../../../src/cli/window-events.ts';
import { captured } from '../../support/captured.ts';
import { temporaryFolder } from '../../support/models.ts';

const folder = temporaryFolder();
afterAll(() => folder.remove());
const terminal = { folder: folder.path, signal: new AbortController().signal };
const settings = commandSettings({}, folder.path);

async function put(path: string, bodies: readonly string[], codec: string, hour: (i: number) => number): Promise<void> {
  const file = join(folder.path, 'capture', path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, await captured(bodies, codec, [], 200, i => `11/21/2026 ${hour(i)}:30:00 AM`));
}

it("a window is read from Capture's files: those of its time, each event by its partition and when it was enqueued", async () => {
  const hub = 'evhns/inference-requests';
  await put(`${hub}/0/2026/11/21/08/00/00.avro`, ['early', 'nine'], 'null', i => 8 + i);
  await put(`${hub}/3/2026/11/21/09/00/00.avro`, ['a', 'b', 'c'], 'deflate', () => 9);
  await put('flat/2026_11_21_10_00_00.avro', ['late', 'ten'], 'null', i => 11 - i);
  await put(`${hub}/0/2026/11/22/09/00/00.avro`, ['of another day'], 'null', () => 9);
  writeFileSync(join(folder.path, 'capture/readme.txt'), 'no Avro');
  const read: [string, number, string][] = [];
  const window = { fromMs: Date.UTC(2026, 10, 21, 9), toMs: Date.UTC(2026, 10, 21, 11) };
  await readCaptureWindow(terminal, settings, 'capture', window, async ({ hub, partition, events }) => {
    expect(hub).toBe('inference-requests');
    for (const { body, sequenceNumber } of events) read.push([partition, sequenceNumber, body.toString()]);
  });
  expect(read.sort()).toEqual([
    ...[
      ['0', 1, 'nine'],
      ['0', 1, 'ten'],
      ['3', 0, 'a'],
      ['3', 1, 'b'],
      ['3', 2, 'c'],
    ],
  ]);
});

it('a folder without such files, or with others, is told', async () => {
  const window = { fromMs: 0, toMs: Date.now() };
  const read = (place: string) => readCaptureWindow(terminal, settings, place, window, async () => {});
  await expect(read('nowhere')).rejects.toThrow('nowhere has no file of Capture of that time');
  mkdirSync(join(folder.path, 'odd'));
  writeFileSync(join(folder.path, 'odd/x.avro'), 'no Avro');
  await expect(read('odd')).rejects.toThrow('x.avro: it is no Avro container');
});
