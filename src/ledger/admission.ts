/** Admits work by its bytes, first come first served, so that memory does not grow with the number of partitions that are busy at once. */
export interface Admission {
  /** Waits for room; the function it gives frees it again. Work larger than the whole limit is admitted alone. */
  enter(bytes: number, signal: AbortSignal): Promise<() => void>;
}

export function createAdmission(limitBytes: number): Admission {
  let held = 0;
  const waiting: { readonly bytes: number; readonly admit: () => void }[] = [];

  const admitNext = (): void => {
    for (let next = waiting[0]; next && (held === 0 || held + next.bytes <= limitBytes); next = waiting[0]) {
      waiting.shift();
      held += next.bytes;
      next.admit();
    }
  };
  const leaver = (bytes: number): (() => void) => {
    let left = false;
    return () => {
      if (left) return;
      left = true;
      held -= bytes;
      admitNext();
    };
  };

  return {
    enter(bytes, signal) {
      return new Promise((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason);
        const onAbort = () => {
          waiting.splice(waiting.indexOf(entry), 1);
          admitNext();
          reject(signal.reason);
        };
        const entry = {
          bytes,
          admit: () => {
            signal.removeEventListener('abort', onAbort);
            resolve(leaver(bytes));
          },
        };
        signal.addEventListener('abort', onAbort, { once: true });
        waiting.push(entry);
        admitNext();
      });
    },
  };
}
