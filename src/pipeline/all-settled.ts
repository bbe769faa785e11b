/** Does something with all items side by side; waits for all of them before it throws what the first to fail threw. */
export async function allSettled<T>(items: Iterable<T>, work: (item: T) => Promise<void>): Promise<void> {
  const results = await Promise.allSettled(Array.from(items, work));
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}
