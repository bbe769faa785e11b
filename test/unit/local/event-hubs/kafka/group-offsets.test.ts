import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { GroupOffsets } from '../../../../../src/local/event-hubs/kafka/group-offsets.ts';
import { aFolder } from '../a-log.ts';

const at = { topic: 'orders', index: 1 };

it('what was committed is there after a restart, half a line of a kill is not', () => {
  using folder = aFolder();
  const path = join(folder.path, 'offsets.ndjson');
  const first = new GroupOffsets(path);
  first.commit('g', [
    { ...at, offset: 5, metadata: '' },
    { topic: 'orders', index: 0, offset: 2, metadata: 'm "x"\n' },
  ]);
  first.commit('g', [{ ...at, offset: 7, metadata: '' }]);
  appendFileSync(path, '["g","orders",1,9'); // killed; no close
  const second = new GroupOffsets(path);
  expect(second.get('g', at)).toEqual({ offset: 7, metadata: '' });
  expect(second.get('g', { topic: 'orders', index: 0 })).toEqual({ offset: 2, metadata: 'm "x"\n' });
  expect(second.get('other', at)).toBeUndefined();
  expect(second.partitionsOf('g')).toHaveLength(2);
  second.commit('g', [{ ...at, offset: 8, metadata: '' }]);
  expect(new GroupOffsets(path).get('g', at)?.offset).toBe(8);
});

it('the file does not grow with the commits', () => {
  using folder = aFolder();
  const path = join(folder.path, 'offsets.ndjson');
  const offsets = new GroupOffsets(path);
  for (let i = 0; i <= 10_500; i++) offsets.commit('g', [{ ...at, offset: i, metadata: '' }]);
  expect(readFileSync(path, 'utf8').split('\n').length).toBeLessThan(600);
  offsets.close();
  expect(new GroupOffsets(path).get('g', at)?.offset).toBe(10_500);
});
