/** Waiting work, the lowest priority number first, then the oldest. */
export interface TaskQueue<T> {
  readonly size: number;
  /** @returns takes the task out again; false where it has been taken already. */
  push(task: T, priority: number): () => boolean;
  /** The first task, or the first that is wanted. */
  shift(wanted?: (task: T) => boolean): T | undefined;
  /** Takes out, in order, all tasks that are wanted. */
  take(wanted: (task: T) => boolean): T[];
}

export function createTaskQueue<T>(): TaskQueue<T> {
  let entries: { readonly task: T; readonly priority: number }[] = [];
  return {
    get size() {
      return entries.length;
    },
    push(task, priority) {
      const entry = { task, priority };
      let low = 0;
      let high = entries.length;
      while (low < high) {
        const middle = (low + high) >>> 1;
        if ((entries[middle] as typeof entry).priority <= priority) low = middle + 1;
        else high = middle;
      }
      entries.splice(low, 0, entry);
      return () => {
        const index = entries.indexOf(entry);
        if (index >= 0) entries.splice(index, 1);
        return index >= 0;
      };
    },
    shift(wanted) {
      if (!wanted) return entries.shift()?.task;
      const index = entries.findIndex(({ task }) => wanted(task));
      return index < 0 ? undefined : entries.splice(index, 1)[0]?.task;
    },
    take(wanted) {
      const taken: T[] = [];
      entries = entries.filter(({ task }) => {
        const out = wanted(task);
        if (out) taken.push(task);
        return !out;
      });
      return taken;
    },
  };
}
