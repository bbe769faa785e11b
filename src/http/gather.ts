export interface GatherOptions<T, R> {
  /** Only items of the same key share a run. */
  keyOf(item: T): string;
  /** Rows of an item, about. */
  rowsOf(item: T): number;
  /** A run has no more rows, unless one item alone has. */
  readonly maxRows: number;
  /** One answer an item, in order. Its failure is that of all of them. */
  run(items: readonly T[]): Promise<readonly R[]>;
}

interface Waiting<T, R> {
  readonly item: T;
  resolve(answer: R): void;
  reject(reason: unknown): void;
}

/** Items that are there in one turn of the event loop share runs: nobody waits for what is not there yet. */
export function createGather<T, R>({ keyOf, rowsOf, maxRows, run }: GatherOptions<T, R>): (item: T) => Promise<R> {
  let waiting = new Map<string, Waiting<T, R>[]>();

  function flush(): void {
    const all = waiting;
    waiting = new Map();
    for (const group of all.values()) for (const part of cut(group)) void start(part);
  }

  function cut(group: readonly Waiting<T, R>[]): Waiting<T, R>[][] {
    const parts: Waiting<T, R>[][] = [];
    let room = 0;
    for (const one of group) {
      const rows = rowsOf(one.item);
      if (parts.length === 0 || rows > room) {
        parts.push([]);
        room = maxRows;
      }
      parts.at(-1)?.push(one);
      room -= rows;
    }
    return parts;
  }

  async function start(part: readonly Waiting<T, R>[]): Promise<void> {
    try {
      const answers = await run(part.map(({ item }) => item));
      if (answers.length !== part.length) throw new Error(`${answers.length} answers to ${part.length} requests`);
      part.forEach(({ resolve }, i) => {
        resolve(answers[i] as R);
      });
    } catch (thrown) {
      for (const { reject } of part) reject(thrown);
    }
  }

  return item =>
    new Promise((resolve, reject) => {
      if (waiting.size === 0) setImmediate(flush);
      const key = keyOf(item);
      const group = waiting.get(key);
      if (group === undefined) waiting.set(key, [{ item, resolve, reject }]);
      else group.push({ item, resolve, reject });
    });
}
