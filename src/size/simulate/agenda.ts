/** What is to happen, by time; at the same time in the order in which it was noted. A binary heap. */
export class Agenda {
  readonly #heap: { readonly at: number; readonly order: number; readonly run: () => void }[] = [];
  #order = 0;

  get nextAt(): number {
    return this.#heap[0]?.at ?? Number.POSITIVE_INFINITY;
  }

  note(at: number, run: () => void): void {
    const heap = this.#heap;
    const entry = { at, order: this.#order++, run };
    let i = heap.length;
    heap.push(entry);
    while (i > 0) {
      const above = (i - 1) >> 1;
      const parent = heap[above];
      if (parent === undefined || !before(entry, parent)) break;
      heap[i] = parent;
      i = above;
    }
    heap[i] = entry;
  }

  /** @throws Error where nothing is noted. */
  take(): { readonly at: number; readonly run: () => void } {
    const heap = this.#heap;
    const [first] = heap;
    const last = heap.pop();
    if (first === undefined || last === undefined) throw new Error('nothing is to happen');
    if (heap.length > 0) this.#sink(last);
    return first;
  }

  #sink(entry: { at: number; order: number; run: () => void }): void {
    const heap = this.#heap;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      let smaller = heap[child];
      const right = heap[child + 1];
      if (smaller === undefined) break;
      if (right !== undefined && before(right, smaller)) {
        child++;
        smaller = right;
      }
      if (!before(smaller, entry)) break;
      heap[i] = smaller;
      i = child;
    }
    heap[i] = entry;
  }
}

const before = (a: { at: number; order: number }, b: { at: number; order: number }) =>
  a.at < b.at || (a.at === b.at && a.order < b.order);
