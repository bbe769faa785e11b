import { EventEmitter } from 'node:events';

/** What the writer needs of a net.Socket or a WebSocket stream. */
export interface ByteStream extends NodeJS.EventEmitter {
  readonly writableLength: number;
  readonly destroyed: boolean;
  cork(): void;
  uncork(): void;
  write(bytes: Buffer): boolean;
  end(): void;
  destroy(): void;
}

/** Bytes a connection may have waiting for its peer before deliveries to it stop. */
const HIGH_WATER_BYTES = 1024 * 1024;

/**
 * A socket whose writes of one callback go out as one system call: rhea writes once a frame. It emits what
 * the socket does, and `drain` where `isFull` has become false.
 */
export class BatchedSocket extends EventEmitter {
  readonly #stream: ByteStream;
  #corked = false;
  #hasEnded = false;

  constructor(stream: ByteStream) {
    super();
    this.setMaxListeners(0); // one listener for each receiver link of the connection
    this.#stream = stream;
    for (const event of ['data', 'drain']) stream.on(event, value => this.emit(event, value));
    // rhea stops listening when it gives a connection up, and an error without a listener would end the process.
    stream.on('error', error => this.listenerCount('error') > 0 && this.emit('error', error));
    // A peer that is killed may close without an end.
    for (const event of ['end', 'close']) stream.on(event, () => this.#ended());
  }

  /** The peer reads more slowly than we write: deliver no more until `drain`. */
  get isFull(): boolean {
    return this.#stream.writableLength > HIGH_WATER_BYTES;
  }

  #ended(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.emit('end');
  }

  write(bytes: Buffer): void {
    if (this.#stream.destroyed) return;
    if (!this.#corked) {
      this.#corked = true;
      this.#stream.cork();
      process.nextTick(() => {
        this.#corked = false;
        this.#stream.uncork();
      });
    }
    this.#stream.write(bytes);
  }

  end(): void {
    this.#stream.end();
  }

  destroy(): void {
    this.#stream.destroy();
  }
}
