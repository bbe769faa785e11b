/** What is asked of several backends together: it ends before they are closed. */
export interface Running {
  /** @throws Error once it is closing */
  run<T>(work: () => Promise<T>): Promise<T>;
  /** Waits for all that runs, then frees; once, whoever calls. */
  close(): Promise<void>;
}

/** @param free closes what answers */
export function createRunning(title: string, free: () => Promise<void>): Running {
  const running = new Set<Promise<unknown>>();
  let closing: Promise<void> | undefined;
  return {
    async run(work) {
      if (closing) throw new Error(`${title}: closed`);
      const run = work();
      running.add(run);
      try {
        return await run;
      } finally {
        running.delete(run);
      }
    },
    close() {
      closing ??= Promise.allSettled(running).then(free);
      return closing;
    },
  };
}
