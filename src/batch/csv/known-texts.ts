import type { Decode } from './text.ts';

const SLOTS = 256;
/** Longer texts seldom come again. */
const MOST_BYTES = 32;

/** Texts of a table, which mostly are few: one that came before is known by its bytes, in a fifth of the time that a string of its own takes. */
export class KnownTexts {
  readonly #decode: Decode;
  readonly #texts = new Array<string | undefined>(SLOTS).fill(undefined);
  readonly #lengths = new Uint8Array(SLOTS);
  readonly #bytes = Buffer.alloc(SLOTS * MOST_BYTES);

  constructor(decode: Decode) {
    this.#decode = decode;
  }

  /** @throws TypeError where the bytes are none of the encoding */
  decode(bytes: Buffer, from: number, to: number): string {
    const length = to - from;
    if (length > MOST_BYTES || length === 0) return this.#decode(bytes, from, to);
    const ends = (bytes[from] as number) * 7 + (bytes[to - 1] as number) * 3 + (bytes[from + (length >> 1)] as number);
    const slot = (ends + length * 31) & (SLOTS - 1);
    const known = this.#texts[slot];
    if (known !== undefined && this.#lengths[slot] === length && this.#isAt(slot * MOST_BYTES, bytes, from, length))
      return known;
    const text = this.#decode(bytes, from, to);
    this.#texts[slot] = text;
    this.#lengths[slot] = length;
    bytes.copy(this.#bytes, slot * MOST_BYTES, from, to);
    return text;
  }

  #isAt(start: number, bytes: Buffer, from: number, length: number): boolean {
    const known = this.#bytes;
    for (let i = 0; i < length; i++) if (known[start + i] !== bytes[from + i]) return false;
    return true;
  }
}
