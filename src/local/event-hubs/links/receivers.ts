import { ServiceError } from '../service-error.ts';

const MAX_WITHOUT_EPOCH = 5;

export interface Receiver {
  readonly epoch: number | undefined;
  /** Ends the link with an error. */
  detach(error: ServiceError): void;
}

/** Who reads a partition by a consumer group: one receiver with an epoch, or up to five without. */
export class Receivers {
  readonly #of = new Map<string, Set<Receiver>>();

  /**
   * Lets a receiver in, detaching those it takes the partition from.
   * @param place hub, group and partition.
   * @returns what to call when its link ends.
   * @throws ServiceError amqp:link:stolen where one with a higher epoch lives, amqp:resource-limit-exceeded for the sixth without.
   */
  enter(place: string, receiver: Receiver): () => void {
    const present = this.#of.get(place) ?? new Set();
    this.#of.set(place, present);
    const holder = [...present].find(({ epoch }) => epoch !== undefined);
    if (receiver.epoch === undefined) {
      if (holder)
        throw new ServiceError(
          'amqp:link:stolen',
          `At least one receiver for the endpoint is created with epoch of '${holder.epoch}', and so non-epoch receiver is not allowed. ` +
            'Either reconnect with a higher epoch, or make sure all epoch receivers are closed or disconnected.',
        );
      if (present.size >= MAX_WITHOUT_EPOCH)
        throw new ServiceError(
          'amqp:resource-limit-exceeded',
          `Exceeded the maximum number of allowed receivers per partition in a consumer group which is ${MAX_WITHOUT_EPOCH}. ` +
            `The path is ${place}.`,
        );
    } else {
      if (holder?.epoch !== undefined && holder.epoch > receiver.epoch)
        throw new ServiceError(
          'amqp:link:stolen',
          `Receiver 'nil' with a higher epoch '${holder.epoch}' already exists. Receiver 'nil' with epoch ${receiver.epoch} cannot be created. ` +
            'Make sure you are creating receiver with increasing epoch value to ensure connectivity, or ensure all old epoch receivers are closed or disconnected.',
        );
      for (const loser of present)
        loser.detach(
          new ServiceError(
            'amqp:link:stolen',
            `New receiver 'nil' with higher epoch of '${receiver.epoch}' is created hence current receiver 'nil' with epoch '${loser.epoch ?? 0}' is getting disconnected. ` +
              'If you are recreating the receiver, make sure a higher epoch is used.',
          ),
        );
      present.clear();
    }
    present.add(receiver);
    return () => {
      present.delete(receiver);
    };
  }
}
