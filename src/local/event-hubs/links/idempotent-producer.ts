import { randomInt } from 'node:crypto';
import rhea, { type Receiver } from 'rhea';
import type { EventTable } from '../amqp/event-table.ts';
import { ServiceError } from '../service-error.ts';
import type { ProducerMark } from '../store/batch-format.ts';
import type { PartitionLog } from '../store/partition-log.ts';
import { asNumber } from './link-properties.ts';
import { epochStolen } from './producers.ts';

export const IDEMPOTENT = 'com.microsoft:idempotent-producer';
const ID = 'com.microsoft:producer-id';
const EPOCH = 'com.microsoft:producer-epoch';
const SEQUENCE = 'com.microsoft:producer-sequence-number';
const SEQUENCE_MODULUS = 2 ** 31;

/** A producer that numbers its events, so that a batch sent again after a lost acknowledgement is not stored again. */
export class IdempotentProducer {
  readonly id: number;
  readonly epoch: number;
  #last: number;

  /**
   * What the link's properties leave open, the log or the endpoint fills in.
   * @throws ServiceError where the log has seen this producer with a higher epoch.
   */
  constructor(link: Receiver, log: PartitionLog) {
    const { [ID]: id, [EPOCH]: epoch, [SEQUENCE]: sequence } = link.properties ?? {};
    this.id = asNumber(id) ?? randomInt(1, 2 ** 47);
    const known = log.producer(this.id);
    this.epoch = asNumber(epoch) ?? known?.epoch ?? 0;
    if (known && known.epoch > this.epoch) throw epochStolen(this.epoch, known.epoch);
    // The log knows better than a producer that missed an acknowledgement, but a new epoch counts as it likes.
    this.#last = known?.epoch === this.epoch ? known.lastSequence : (asNumber(sequence) ?? known?.lastSequence ?? 0);
  }

  /** The link's properties as the client reads them. */
  get properties(): object {
    return {
      [ID]: rhea.types.wrap_long(this.id),
      [EPOCH]: rhea.types.wrap_short(this.epoch),
      [SEQUENCE]: rhea.types.wrap_int(this.#last),
    };
  }

  /**
   * Takes the next batch: what the log is to remember with it, or undefined where it has the batch already.
   * @throws ServiceError com.microsoft:out-of-order-sequence where batches before it are missing.
   */
  take(table: EventTable): ProducerMark | undefined {
    const first = table.producerSequence;
    const expected = (this.#last + 1) % SEQUENCE_MODULUS;
    if (first === expected) {
      this.#last = (first + table.count - 1) % SEQUENCE_MODULUS;
      return { id: this.id, epoch: this.epoch, lastSequence: this.#last };
    }
    if (first !== undefined && first + table.count - 1 <= this.#last) return undefined;
    throw new ServiceError(
      'com.microsoft:out-of-order-sequence',
      `The batch starts with producer sequence number ${first ?? '(none)'}; ${expected} comes next.`,
    );
  }

  /** The batch that was taken last could not be stored: it may come again. */
  giveBack(table: EventTable): void {
    this.#last = (table.producerSequence as number) - 1;
  }
}
