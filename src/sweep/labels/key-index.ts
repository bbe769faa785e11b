/** Which keys a chunk has, as sorted hashes: four bytes each, and one in four billion is said to be there though it is not. */
export class KeyIndex {
  readonly #hashes: Uint32Array;

  constructor(hashes: readonly number[]) {
    this.#hashes = Uint32Array.from(hashes).sort();
  }

  get size(): number {
    return this.#hashes.length;
  }

  mayHave(hash: number): boolean {
    let low = 0;
    for (let high = this.#hashes.length; low < high; ) {
      const middle = (low + high) >> 1;
      if ((this.#hashes[middle] as number) < hash) low = middle + 1;
      else high = middle;
    }
    return this.#hashes[low] === hash;
  }
}

/** FNV-1a. */
export function hashOf(text: string): number {
  let value = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) value = Math.imul(value ^ text.charCodeAt(at), 0x01000193);
  return value >>> 0;
}
