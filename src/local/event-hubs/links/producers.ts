import { ServiceError } from '../service-error.ts';

interface Producer {
  readonly epoch: number;
  detach(error: ServiceError): void;
}

/** The idempotent producers that have a link now: one for each producer id and partition, the one with the higher epoch. */
export class Producers {
  readonly #of = new Map<string, Producer>();

  /**
   * Lets a producer in, detaching the one it takes the place of.
   * @param place hub, partition and producer id.
   * @returns what to call when its link ends.
   * @throws ServiceError com.microsoft:producer-epoch-stolen where one with a higher epoch lives.
   */
  enter(place: string, producer: Producer): () => void {
    const present = this.#of.get(place);
    if (present) {
      if (present.epoch > producer.epoch) throw epochStolen(producer.epoch, present.epoch);
      present.detach(epochStolen(present.epoch, producer.epoch));
    }
    this.#of.set(place, producer);
    return () => {
      if (this.#of.get(place) === producer) this.#of.delete(place);
    };
  }
}

export const epochStolen = (epoch: number, higher: number) =>
  new ServiceError(
    'com.microsoft:producer-epoch-stolen',
    `The producer with epoch '${epoch}' is disconnected because of one with the same producer id and epoch '${higher}'.`,
  );
