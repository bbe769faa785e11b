/*
 * Waiting for work beside the end of something that may outlive it: a link, a connection, a batch, the process. Such an end is a signal here, never a
 * promise: `Promise.race` leaves a reaction on each of its promises, and one that outlives the race keeps it, with what the race gave, until it settles.
 * A send raced with the loss of its link kept every delivery with its bytes. A listener leaves again. A test forbids the raw forms.
 */

/** Calls `listener` when the signal is aborted, at once where it is already; the function given takes it off again. */
export function onceAborted(signal: AbortSignal, listener: () => void): () => void {
  if (signal.aborted) listener();
  else signal.addEventListener('abort', listener, { once: true });
  return () => signal.removeEventListener('abort', listener);
}

/** What the work gives, or the signal's reason as soon as it is aborted; the work then goes on to its own end, unheard. */
export function abortable<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    // Not at once: what was settled before counts, as a confirmation does that came in the same bytes as the end of its link.
    const leave = onceAborted(signal, () => queueMicrotask(() => reject(signal.reason)));
    settle(work, leave, resolve, reject);
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

/** Gives the work a signal of its own, aborted when `signal` is, or after that long. `AbortSignal.any` leaves something on its sources, too. */
export async function withDeadline<T>(
  ms: number,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const own = new AbortController();
  const timer = setTimeout(() => own.abort(new Error(`not done within ${ms / 1000} s`)), ms);
  const leave = onceAborted(signal, () => own.abort(signal.reason));
  try {
    return await work(own.signal);
  } finally {
    clearTimeout(timer);
    leave();
  }
}

/** In one step: another turn between the end of the work and its being told, and an abort could come first. */
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
