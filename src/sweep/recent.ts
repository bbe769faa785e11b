/** The keys of late, the oldest of which are forgotten first. */
export class Recent {
  readonly #keys: Set<string>;
  readonly #most: number;

  constructor(most: number, keys: readonly string[] = []) {
    this.#most = most;
    this.#keys = new Set(keys);
  }

  /** True where the key was not there before. */
  add(key: string): boolean {
    if (this.#keys.has(key)) return false;
    this.#keys.add(key);
    if (this.#keys.size > this.#most) this.#keys.delete(this.#keys.values().next().value as string);
    return true;
  }

  store(): readonly string[] {
    return [...this.#keys];
  }
}
