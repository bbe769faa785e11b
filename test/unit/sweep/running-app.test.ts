import { expect, it } from 'vitest';
import { appsAt, createAppNote } from '../../../src/sweep/running-app.ts';
import { memoryBlobs } from '../../support/memory-blobs.ts';

const never = new AbortController().signal;
const HOUR = 3_600_000;

it('tells which build ran at a time', async () => {
  const blobs = memoryBlobs();
  let nowMs = 10 * HOUR;
  const noteOf = (commit: string) => createAppNote({ blobs, version: '1.0.0', commit, clock: () => nowMs });
  const [first, second] = [noteOf('aaa'), noteOf('bbb')];
  for (; nowMs < 12 * HOUR; nowMs += 60_000) await first(never);
  for (; nowMs < 15 * HOUR; nowMs += 60_000) await second(never);
  const at = async (hours: number) => (await appsAt(blobs, hours * HOUR, never)).map(({ commit }) => commit);
  expect([await at(5), await at(11), await at(12), await at(14), await at(20)]).toEqual([
    ...[[], ['aaa'], ['aaa', 'bbb'], ['bbb'], []],
  ]);
});
