/** How far a partition is done. */
export interface Checkpoint {
  readonly sequenceNumber: number;
  readonly offset: string;
}

export interface CheckpointerOptions {
  readonly write: (checkpoint: Checkpoint) => Promise<unknown>;
  /** Least time between two writes, milliseconds. */
  readonly intervalMs: number;
  readonly onError: (error: unknown) => void;
  readonly clock: () => number;
}

/**
 * Writes a partition's checkpoints, one at a time, the newest only, without the next batch waiting for it. After a crash
 * the events since the last one written come again, as Event Hubs promises no better.
 */
export class Checkpointer {
  readonly #options: CheckpointerOptions;
  #latest: Checkpoint | undefined;
  #written: Checkpoint | undefined;
  #writing: Promise<void> | undefined;
  #writtenAtMs = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;
  #discarded = false;

  constructor(options: CheckpointerOptions) {
    this.#options = options;
  }

  /** Notes how far the partition is done; written soon. */
  mark(checkpoint: Checkpoint): void {
    this.#latest = checkpoint;
    this.#schedule();
  }

  /** Writes what is noted and not yet written. @throws Error where it cannot be written. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await this.#writing;
    if (this.#latest && this.#latest !== this.#written && !this.#discarded) await this.#write(this.#latest);
  }

  /** Writes nothing any more: the partition is another's. */
  discard(): void {
    this.#discarded = true;
    clearTimeout(this.#timer);
  }

  #schedule(): void {
    if (this.#timer || this.#writing || this.#discarded || this.#latest === this.#written) return;
    const waitMs = Math.max(this.#writtenAtMs + this.#options.intervalMs - this.#options.clock(), 0);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#writing = this.#write(this.#latest as Checkpoint)
        .catch(this.#options.onError)
        .finally(() => {
          this.#writing = undefined;
          this.#schedule();
        });
    }, waitMs);
  }

  async #write(checkpoint: Checkpoint): Promise<void> {
    try {
      await this.#options.write(checkpoint);
      this.#written = checkpoint;
    } finally {
      this.#writtenAtMs = this.#options.clock();
    }
  }
}
