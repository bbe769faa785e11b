/** Events of one partition in order, kept as counts by when they came. */
export class Backlog {
  #at: number[] = [];
  #events: number[] = [];
  #head = 0;
  #count = 0;

  get count(): number {
    return this.#count;
  }

  add(at: number, events: number): void {
    this.#at.push(at);
    this.#events.push(events);
    this.#count += events;
  }

  /** The first so many, at most. */
  take(most: number): [at: number, events: number][] {
    const taken: [number, number][] = [];
    let left = most;
    while (left > 0 && this.#head < this.#at.length) {
      const [at, events] = [this.#at[this.#head] as number, this.#events[this.#head] as number];
      const some = Math.min(events, left);
      taken.push([at, some]);
      left -= some;
      if (some === events) this.#head++;
      else this.#events[this.#head] = events - some;
    }
    this.#count -= most - left;
    this.#forget();
    return taken;
  }

  /** Puts what was taken last, and not done, before the rest. */
  giveBack(taken: readonly (readonly [number, number])[]): void {
    this.#at = [...taken.map(([at]) => at), ...this.#at.slice(this.#head)];
    this.#events = [...taken.map(([, events]) => events), ...this.#events.slice(this.#head)];
    this.#head = 0;
    this.#count += taken.reduce((sum, [, events]) => sum + events, 0);
  }

  #forget(): void {
    if (this.#head < 1000 || this.#head * 2 < this.#at.length) return;
    this.#at = this.#at.slice(this.#head);
    this.#events = this.#events.slice(this.#head);
    this.#head = 0;
  }
}
