/** Less than this is not worth keeping. */
const LARGE_BYTES = 1024 * 1024;
const MOST_KEPT = 4;

/** Large buffers that are used again: each new one would bring a full garbage collection nearer, which took a tenth of the time. */
export class Memory {
  readonly #spare: Buffer[] = [];

  /** One of at least so many bytes, where there is one. */
  lend(bytes: number): Buffer | undefined {
    const at = this.#spare.findIndex(({ length }) => length >= bytes);
    return at < 0 ? undefined : this.#spare.splice(at, 1)[0];
  }

  /** Of a buffer that nobody looks at any more, or of a part of it. */
  giveBack({ buffer, byteOffset }: Buffer): void {
    if (byteOffset > 0 || buffer.byteLength < LARGE_BYTES || this.#spare.length >= MOST_KEPT) return;
    this.#spare.push(Buffer.from(buffer));
  }
}
