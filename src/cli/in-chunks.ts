import { LATE, within } from '../core/waiting.ts';

/** Items gathered in arrays of at most `most`, none held back longer than `waitMs`: full chunks from a file, prompt ones from a slow pipe. */
export async function* inChunks<T>(items: AsyncIterable<T>, most: number, waitMs: number): AsyncGenerator<T[]> {
  const source = items[Symbol.asyncIterator]();
  let chunk: T[] = [];
  let dueMs = 0;
  let next = source.next();
  try {
    for (;;) {
      const arrived = await (chunk.length > 0 ? within(next, dueMs - performance.now()) : next);
      if (arrived !== LATE) {
        if (arrived.done) break;
        next = source.next();
        next.catch(() => {}); // met when it is awaited
        if (chunk.length === 0) dueMs = performance.now() + waitMs;
        chunk.push(arrived.value);
        if (chunk.length < most) continue;
      }
      const full = chunk;
      chunk = [];
      yield full;
    }
    if (chunk.length > 0) yield chunk;
  } finally {
    await source.return?.();
  }
}
