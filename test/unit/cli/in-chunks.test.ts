import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { inChunks } from '../../../src/cli/in-chunks.ts';

async function collect<T>(chunks: AsyncIterable<T[]>): Promise<T[][]> {
  const all: T[][] = [];
  for await (const chunk of chunks) all.push(chunk);
  return all;
}

it('fills chunks and keeps the rest', async () => {
  async function* numbers() {
    yield* [1, 2, 3, 4, 5];
  }
  expect(await collect(inChunks(numbers(), 2, 10_000))).toEqual([[1, 2], [3, 4], [5]]);
});

it('lets nothing wait longer than it may', async () => {
  async function* slow() {
    yield 'a';
    yield 'b';
    await sleep(120);
    yield 'c';
  }
  expect(await collect(inChunks(slow(), 100, 20))).toEqual([['a', 'b'], ['c']]);
});

it('passes a failure on, after what came before it', async () => {
  async function* failing() {
    yield 1;
    yield 2;
    throw new Error('the pipe broke');
  }
  const chunks = inChunks(failing(), 2, 10_000);
  expect((await chunks.next()).value).toEqual([1, 2]);
  await expect(chunks.next()).rejects.toThrow('the pipe broke');
});
