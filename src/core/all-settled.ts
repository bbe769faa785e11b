/** Does something with all items side by side; waits for all of them before it throws what the first to fail threw. */
export function allSettled<T>(items: Iterable<T>, work: (item: T) => Promise<void>): Promise<void> {
  const list = [...items];
  return list.length === 1 ? work(list[0] as T) : settleAll(list.map(work));
}

async function settleAll(promises: readonly Promise<void>[]): Promise<void> {
  const results = await Promise.allSettled(promises);
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}
