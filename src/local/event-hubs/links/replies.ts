import rhea, { type Sender } from 'rhea';
import { creditOf, outgoingOf, writeTransfers } from '../amqp/rhea-private.ts';
import { frameCount, TRANSFER_BYTES, writeDelivery } from '../amqp/transfer-frames.ts';

/** A decoded request to a node. */
export interface Request {
  readonly message_id?: unknown;
  readonly application_properties?: Readonly<Record<string, unknown>>;
  readonly body?: unknown;
}

/** A client that asks on and never gives credit for the answers is not ours to remember. */
const MAX_WAITING = 1000;

/** The answering link of `$cbs` or `$management`: settled messages, kept until there is credit for them. */
export class Replies {
  readonly #link: Sender;
  #waiting: Buffer[] = [];

  constructor(link: Sender) {
    this.#link = link;
  }

  send(reply: object): void {
    if (this.#waiting.length < MAX_WAITING) this.#waiting.push(rhea.message.encode(reply));
    this.onFlow();
  }

  onFlow(): void {
    while (this.#waiting.length > 0 && this.#link.is_open() && creditOf(this.#link) > 0) {
      const bytes = this.#waiting[0] as Buffer;
      const outgoing = outgoingOf(this.#link);
      const frames = frameCount(bytes.length, outgoing.maxFrameBytes);
      if (frames > outgoing.window) return;
      this.#waiting.shift();
      const slab = Buffer.allocUnsafe(bytes.length + frames * TRANSFER_BYTES);
      writeDelivery(slab, 0, outgoing, outgoing.firstDeliveryId, [{ bytes, start: 0, end: bytes.length }]);
      writeTransfers(this.#link, slab, 1, frames);
    }
  }

  close(): void {
    this.#waiting = [];
  }
}
