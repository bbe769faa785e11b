/** Source events back to which repeats are known. */
export const WINDOW = 4_096;

/** `new`: to be counted; `repeat`: it was; `unsure`: it lies behind the window. */
export type Sighting = 'new' | 'repeat' | 'unsure';

/**
 * Which requests of a partition have had their ending here: by the sequence number of their event, over the last 4,096 of them, and for an event that carried several by
 * their places in it, kept as ranges since they come in order. What fills a hole comes late and is new all the same.
 */
export class Seen {
  #highest = -1;
  readonly #bits = new Uint8Array(WINDOW / 8);
  /** By sequence number: from, to, from, to, … */
  readonly #parts = new Map<number, number[]>();

  /** @param part place among the requests of the event; -1 where it carried but one */
  see(sequenceNumber: number, part: number): Sighting {
    if (sequenceNumber > this.#highest) this.#rise(sequenceNumber);
    else if (sequenceNumber <= this.#highest - WINDOW) return 'unsure';
    if (part >= 0) return this.#seePart(sequenceNumber, part);
    const slot = sequenceNumber % WINDOW;
    const bit = 1 << (slot & 7);
    const bits = this.#bits[slot >> 3] ?? 0;
    if ((bits & bit) !== 0) return 'repeat';
    this.#bits[slot >> 3] = bits | bit;
    return 'new';
  }

  #rise(sequenceNumber: number): void {
    const from = Math.max(this.#highest + 1, sequenceNumber - WINDOW + 1);
    for (let number = from; number <= sequenceNumber; number++) {
      const slot = number % WINDOW;
      this.#bits[slot >> 3] = (this.#bits[slot >> 3] ?? 0) & ~(1 << (slot & 7));
    }
    this.#highest = sequenceNumber;
    for (const number of this.#parts.keys()) if (number <= sequenceNumber - WINDOW) this.#parts.delete(number);
  }

  #seePart(sequenceNumber: number, part: number): Sighting {
    const ranges = this.#parts.get(sequenceNumber);
    if (ranges === undefined) {
      this.#parts.set(sequenceNumber, [part, part + 1]);
      return 'new';
    }
    let behind = -1;
    for (let at = 0; at < ranges.length; at += 2) {
      const [from, to] = [ranges[at] as number, ranges[at + 1] as number];
      if (part >= from && part < to) return 'repeat';
      if (part === to) behind = at + 1;
    }
    if (behind >= 0) {
      ranges[behind] = part + 1;
      return 'new';
    }
    ranges.push(part, part + 1);
    return 'new';
  }

  store(): StoredSeen {
    const parts = [...this.#parts].map(([number, ranges]) => [number, ...ranges]);
    return { highest: this.#highest, bits: Buffer.from(this.#bits).toString('base64'), parts };
  }

  static restore({ highest, bits, parts }: StoredSeen): Seen {
    const seen = new Seen();
    seen.#highest = highest;
    seen.#bits.set(Buffer.from(bits, 'base64').subarray(0, WINDOW / 8));
    for (const [number, ...ranges] of parts) seen.#parts.set(number as number, ranges);
    return seen;
  }
}

export interface StoredSeen {
  readonly highest: number;
  readonly bits: string;
  readonly parts: readonly (readonly number[])[];
}
