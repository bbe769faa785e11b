/** Items gathered in arrays of at most `most`, none held back longer than `waitMs`: full chunks from a file, prompt ones from a slow pipe. */
export async function* inChunks<T>(items: AsyncIterable<T>, most: number, waitMs: number): AsyncGenerator<T[]> {
  const source = items[Symbol.asyncIterator]();
  let chunk: T[] = [];
  let next = source.next();
  let deadline: Promise<'late'> | undefined;
  let timer: NodeJS.Timeout | undefined;
  try {
    for (;;) {
      const arrived = await (deadline ? Promise.race([next, deadline]) : next);
      if (arrived !== 'late') {
        if (arrived.done) break;
        next = source.next();
        next.catch(() => {}); // met when it is awaited
        chunk.push(arrived.value);
        deadline ??= new Promise(late => {
          timer = setTimeout(late, waitMs, 'late');
        });
        if (chunk.length < most) continue;
      }
      clearTimeout(timer);
      deadline = undefined;
      const full = chunk;
      chunk = [];
      yield full;
    }
    if (chunk.length > 0) yield chunk;
  } finally {
    clearTimeout(timer);
    await source.return?.();
  }
}
