import type { Receiver } from 'rhea';
import { MAX_MESSAGE_BYTES } from '../limits.ts';
import { ServiceError } from '../service-error.ts';
import { countIncoming, creditOf, type IncomingFrame, writeAccepted, writeRejected } from './rhea-private.ts';

const CREDIT = 1000;

/** A whole message that came in; `accept` or `reject` it once. */
export interface IncomingMessage {
  readonly bytes: Buffer;
  readonly format: number;
  accept(): void;
  reject(error: ServiceError): void;
}

/** Puts the frames of a link's deliveries together, keeps its credit up, and settles in runs. */
export class IncomingDeliveries {
  readonly #link: Receiver;
  readonly #onMessage: (message: IncomingMessage) => void;
  #chunks: Buffer[] = [];
  #bytes = 0;
  #isUnfinished = false;
  #id = 0;
  #format = 0;
  #settled = false;
  #accepted: { first: number; last: number } | undefined;

  constructor(link: Receiver, onMessage: (message: IncomingMessage) => void) {
    this.#link = link;
    this.#onMessage = onMessage;
    link.add_credit(CREDIT);
  }

  onFrame(frame: IncomingFrame): void {
    if (!this.#isUnfinished) {
      this.#id = frame.deliveryId ?? 0;
      this.#format = frame.format;
      this.#settled = false;
    }
    this.#settled ||= frame.settled;
    this.#bytes += frame.payload?.length ?? 0;
    // Behind the limit only the size is counted: the message will be rejected.
    if (frame.payload && this.#bytes <= MAX_MESSAGE_BYTES) this.#chunks.push(frame.payload);
    this.#isUnfinished = frame.more && !frame.aborted;
    if (this.#isUnfinished) return;
    const bytes = this.#chunks.length === 1 ? (this.#chunks[0] as Buffer) : Buffer.concat(this.#chunks);
    const tooLarge = this.#bytes > MAX_MESSAGE_BYTES ? this.#bytes : 0;
    this.#chunks = [];
    this.#bytes = 0;
    countIncoming(this.#link);
    if (creditOf(this.#link) <= CREDIT / 2) this.#link.add_credit(CREDIT - creditOf(this.#link));
    if (frame.aborted) return;
    const message = this.#message(bytes, this.#id, this.#settled);
    if (tooLarge)
      message.reject(
        new ServiceError(
          'amqp:link:message-size-exceeded',
          `The received message (size: ${tooLarge}) exceeds the limit (${MAX_MESSAGE_BYTES}) currently allowed on the link.`,
        ),
      );
    else this.#onMessage(message);
  }

  #message(bytes: Buffer, id: number, settled: boolean): IncomingMessage {
    return {
      bytes,
      format: this.#format,
      accept: () => {
        if (!settled) this.#accept(id);
      },
      reject: error => {
        if (!settled && this.#link.is_open()) writeRejected(this.#link.session, id, error);
      },
    };
  }

  /** Acceptances of one turn whose ids follow each other go out as one frame. */
  #accept(id: number): void {
    const run = this.#accepted;
    if (run && run.last + 1 === id) {
      run.last = id;
      return;
    }
    if (run) this.#writeAccepted();
    else queueMicrotask(() => this.#writeAccepted());
    this.#accepted = { first: id, last: id };
  }

  #writeAccepted(): void {
    const run = this.#accepted;
    this.#accepted = undefined;
    if (run && this.#link.is_open()) writeAccepted(this.#link.session, run.first, run.last);
  }
}
