/** The value, or, where it is still to come, the signal's reason as soon as it is aborted; the work itself goes on to its own end. */
export async function abortable<T>(promise: T | Promise<T>, signal: AbortSignal): Promise<T> {
  if (!(promise instanceof Promise)) return promise;
  if (signal.aborted) {
    promise.catch(() => {}); // nobody will look at it any more
    throw signal.reason;
  }
  let onAbort: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    if (onAbort) signal.removeEventListener('abort', onAbort);
  }
}

/** Does something with all items side by side; waits for all of them before it throws what the first to fail threw. */
export function allSettled<T>(items: Iterable<T>, work: (item: T) => Promise<void>): Promise<void> {
  const list = [...items];
  return list.length === 1 ? work(list[0] as T) : settleAll(list.map(work));
}

async function settleAll(promises: readonly Promise<void>[]): Promise<void> {
  const results = await Promise.allSettled(promises);
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}
