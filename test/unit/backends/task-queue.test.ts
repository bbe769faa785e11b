import { describe, expect, it } from 'vitest';
import { createTaskQueue } from '../../../src/backends/task-queue.ts';

describe('task queue', () => {
  it('gives the most urgent first, and among equals the oldest', () => {
    const queue = createTaskQueue<string>();
    for (const [task, priority] of [
      ['a', 1],
      ['b', 0],
      ['c', 2],
      ['d', 1],
      ['e', 0],
    ] as const)
      queue.push(task, priority);
    expect(queue.size).toBe(5);
    expect(Array.from({ length: 6 }, () => queue.shift())).toEqual(['b', 'e', 'a', 'd', 'c', undefined]);
  });

  it('lets a task be withdrawn, once', () => {
    const queue = createTaskQueue<string>();
    queue.push('a', 1);
    const withdraw = queue.push('b', 1);
    queue.push('c', 1);
    expect(withdraw()).toBe(true);
    expect(withdraw()).toBe(false);
    expect([queue.shift(), queue.shift(), queue.shift()]).toEqual(['a', 'c', undefined]);
  });
});
