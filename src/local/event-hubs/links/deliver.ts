import type { Sender } from 'rhea';
import type { BatchedSocket } from '../amqp/batched-socket.ts';
import { creditOf, finishDraining, isDraining, outgoingOf, writeTransfers } from '../amqp/rhea-private.ts';
import { frameCount, type Piece, TRANSFER_BYTES, writeDelivery } from '../amqp/transfer-frames.ts';
import type { Partition } from '../namespace.ts';
import { BATCH_HEADER_BYTES, BATCH_MARK, EVENT_HEADER_BYTES } from '../store/batch-format.ts';

/** Bytes read from the log at a time, and about what one turn writes to one receiver before others have theirs. */
const CHUNK_BYTES = 256 * 1024;

/** A receiver's link: sends what the log has from `position` on, as far as credit, session window and socket allow. */
export class Delivery {
  readonly #link: Sender;
  readonly #socket: BatchedSocket;
  readonly #partition: Partition;
  /** Delivery annotations section for every event, or undefined where the receiver did not ask for any. */
  readonly #annotations: (() => Buffer) | undefined;
  readonly #wake = () => this.#tryPump();
  readonly #fail: (error: Error) => void;
  #position: number;
  #chunk: Buffer | undefined;
  #chunkAt = 0;
  #scheduled = false;
  #closed = false;

  constructor(
    link: Sender,
    socket: BatchedSocket,
    partition: Partition,
    position: number,
    annotations: (() => Buffer) | undefined,
    fail: (error: Error) => void,
  ) {
    this.#fail = fail;
    this.#link = link;
    this.#socket = socket;
    this.#partition = partition;
    this.#position = position;
    this.#annotations = annotations;
    partition.readers.add(this.#wake);
    socket.on('drain', this.#wake);
  }

  /** Credit or session window came. */
  onFlow(): void {
    this.#pumpSoon();
  }

  close(): void {
    this.#closed = true;
    this.#chunk = undefined;
    this.#partition.readers.delete(this.#wake);
    this.#socket.off('drain', this.#wake);
  }

  #pumpSoon(): void {
    if (this.#scheduled || this.#closed) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#tryPump();
    });
  }

  #tryPump(): void {
    try {
      if (!this.#closed) this.#pump();
    } catch (error) {
      this.#fail(error as Error); // the log cannot be read: this receiver ends, the others go on
    }
  }

  #pump(): void {
    if (!this.#link.is_open() || this.#socket.isFull) return;
    if (creditOf(this.#link) > 0 && this.#fill()) this.#send();
    if (this.#closed) return;
    const isCaughtUp = this.#position >= this.#partition.log.endPosition;
    if (isCaughtUp) this.#chunk = undefined;
    if (isDraining(this.#link) && (isCaughtUp || creditOf(this.#link) <= 0)) finishDraining(this.#link);
  }

  /** Makes `#chunk` start at or before the event at `#position`, whole. False at the end of the log. */
  #fill(): boolean {
    const { log } = this.#partition;
    this.#position = Math.max(this.#position, log.firstPosition); // retention may have gone past
    for (let bytes = CHUNK_BYTES; ; ) {
      const at = this.#position - this.#chunkAt;
      const missing = this.#chunk && at >= 0 ? missingBytes(this.#chunk, at) : CHUNK_BYTES;
      if (missing === 0) return true;
      bytes = Math.max(bytes, missing);
      this.#chunk = log.read(this.#position, bytes);
      this.#chunkAt = this.#position;
      if (!this.#chunk) return false;
    }
  }

  #send(): void {
    const chunk = this.#chunk as Buffer;
    const outgoing = outgoingOf(this.#link);
    const annotations = this.#annotations?.();
    const added = annotations?.length ?? 0;
    const credit = creditOf(this.#link);
    // First what fits: events and their frames; then one slab for all of them.
    let at = this.#position - this.#chunkAt;
    const events: number[] = [];
    let frames = 0;
    let bytes = 0;
    while (at < chunk.length && events.length < credit && bytes < CHUNK_BYTES) {
      if (chunk[at] === BATCH_MARK) {
        at += BATCH_HEADER_BYTES;
        continue;
      }
      if (missingBytes(chunk, at) > 0) break;
      const size = chunk.readUInt32BE(at);
      const needed = frameCount(size + added, outgoing.maxFrameBytes);
      if (frames + needed > outgoing.window) break;
      events.push(at);
      frames += needed;
      bytes += size + added + needed * TRANSFER_BYTES;
      at += EVENT_HEADER_BYTES + size;
    }
    this.#position = this.#chunkAt + at;
    if (events.length === 0) return;
    const slab = Buffer.allocUnsafe(bytes);
    let end = 0;
    let id = outgoing.firstDeliveryId;
    for (const event of events) {
      end = writeDelivery(slab, end, outgoing, id, pieces(chunk, event, annotations));
      id = (id + 1) >>> 0;
    }
    writeTransfers(this.#link, slab.subarray(0, end), events.length, frames);
    this.#pumpSoon();
  }
}

/** Bytes that have to be read from `at` on for one whole event there; 0 where it is all there. */
function missingBytes(chunk: Buffer, at: number): number {
  let event = at;
  if (event >= chunk.length) return CHUNK_BYTES;
  if (chunk[event] === BATCH_MARK) event += BATCH_HEADER_BYTES;
  if (event + EVENT_HEADER_BYTES > chunk.length) return CHUNK_BYTES;
  const end = event + EVENT_HEADER_BYTES + chunk.readUInt32BE(event);
  return end > chunk.length ? end - at : 0;
}

/** The stored message, with delivery annotations between its header section and its message annotations. */
function pieces(chunk: Buffer, event: number, annotations: Buffer | undefined): Piece[] {
  const start = event + EVENT_HEADER_BYTES;
  const end = start + chunk.readUInt32BE(event);
  if (!annotations) return [{ bytes: chunk, start, end }];
  const headerEnd = start + chunk.readUInt16BE(event + 4);
  return [
    { bytes: chunk, start, end: headerEnd },
    { bytes: annotations, start: 0, end: annotations.length },
    { bytes: chunk, start: headerEnd, end },
  ];
}
