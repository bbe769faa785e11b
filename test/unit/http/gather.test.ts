import { describe, expect, it } from 'vitest';
import { createGather } from '../../../src/http/gather.ts';

interface Item {
  readonly key: string;
  readonly rows: number;
}

function gather(run?: (items: readonly Item[]) => Promise<readonly string[]>) {
  const runs: (readonly Item[])[] = [];
  const ask = createGather<Item, string>({
    keyOf: ({ key }) => key,
    rowsOf: ({ rows }) => rows,
    maxRows: 4,
    run: async items => {
      runs.push(items);
      return run ? run(items) : items.map(({ key, rows }) => `${key}${rows}`);
    },
  });
  return { ask, runs };
}
const item = (key: string, rows: number): Item => ({ key, rows });

describe('what is there in one turn', () => {
  it('shares a run by its key, as far as there is room, and each has its own answer', async () => {
    const { ask, runs } = gather();
    const items = [item('a', 1), item('b', 2), item('a', 2), item('a', 2), item('a', 9), item('a', 1)];
    expect(await Promise.all(items.map(ask))).toEqual(['a1', 'b2', 'a2', 'a2', 'a9', 'a1']);
    expect(runs.map(run => run.map(({ key, rows }) => `${key}${rows}`))).toEqual([
      ['a1', 'a2'],
      ['a2'],
      ['a9'],
      ['a1'],
      ['b2'],
    ]);
  });

  it('answers what has no rows, too', async () => {
    const { ask } = gather();
    expect(await Promise.all([ask(item('a', 0)), ask(item('a', 4)), ask(item('a', 0))])).toEqual(['a0', 'a4', 'a0']);
  });

  it('waits for nothing that comes later', async () => {
    const { ask, runs } = gather();
    await ask(item('a', 1));
    await ask(item('a', 1));
    expect(runs).toHaveLength(2);
  });

  it('fails together, and only those of the run', async () => {
    const { ask } = gather(async items => {
      if (items[0]?.key === 'bad') throw new Error('away');
      return items.map(() => 'fine');
    });
    const answers = await Promise.allSettled([ask(item('bad', 1)), ask(item('good', 1)), ask(item('bad', 1))]);
    expect(answers.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'rejected']);
  });

  it('fails where there is another number of answers', async () => {
    const { ask } = gather(async () => []);
    await expect(ask(item('a', 1))).rejects.toThrow('0 answers to 1 requests');
  });
});
