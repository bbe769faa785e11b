/** Enough for what one turn of the event loop usually brings in; more than that is allocated apart. */
const BYTES = 4 * 1024 * 1024;

/**
 * The memory that batches are put together in until they are written, used over and over: megabytes allocated anew for
 * every batch are what the garbage collector would then be busy with. One for all logs that are flushed together.
 */
export class WriteBuffer {
  readonly #bytes = Buffer.allocUnsafeSlow(BYTES);
  #used = 0;

  /** Has `encode` write at most `maxBytes` and returns what it wrote, valid until `reset`. */
  fill(maxBytes: number, encode: (room: Buffer) => number): Buffer {
    const fits = this.#used + maxBytes <= BYTES;
    const room = fits ? this.#bytes.subarray(this.#used, this.#used + maxBytes) : Buffer.allocUnsafe(maxBytes);
    const end = encode(room);
    if (fits) this.#used += end;
    return room.subarray(0, end);
  }

  /** All that was put in is written. */
  reset(): void {
    this.#used = 0;
  }
}
