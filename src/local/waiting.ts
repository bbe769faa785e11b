/*
 * Waiting for work beside the end of something that may outlive it, such as a connection. Such an end is a signal, never a promise: `Promise.race` leaves
 * a reaction on each of its promises, and one that outlives the race keeps it, with what the race gave, until it settles.
 */

/** What the work gives, or the signal's reason as soon as it is aborted; the work then goes on to its own end, unheard. */
export function abortable<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => queueMicrotask(() => reject(signal.reason)); // what was settled before counts
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
    settle(work, () => signal.removeEventListener('abort', onAbort), resolve, reject);
  });
}

export const LATE = Symbol('late');

/** What the work gives, or LATE after that long; the work then goes on to its own end, unheard. */
export function within<T>(work: Promise<T>, ms: number): Promise<T | typeof LATE> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms, LATE);
    settle(work, () => clearTimeout(timer), resolve, reject);
  });
}

function settle<T>(
  work: Promise<T>,
  leave: () => void,
  resolve: (value: T) => void,
  reject: (reason: unknown) => void,
): void {
  work.then(
    value => {
      leave();
      resolve(value);
    },
    thrown => {
      leave();
      reject(thrown);
    },
  );
}
