import { CODE, KafkaError } from './error-code.ts';
import { Group } from './group.ts';

/** The service's limit. */
const MAX_ID_LENGTH = 256;

/** Kafka's consumer groups: they come into being when they are used, and are others than the hubs' own. Members are not kept over a restart: they join again. */
export class Groups {
  readonly #of = new Map<string, Group>();

  /** @throws KafkaError where the id is none. */
  group(id: string): Group {
    if (id === '' || id.length > MAX_ID_LENGTH)
      throw new KafkaError(CODE.invalidGroupId, `a group id has 1 to ${MAX_ID_LENGTH} characters`);
    let group = this.#of.get(id);
    if (!group) {
      for (const [other, { isEmpty }] of this.#of) if (isEmpty) this.#of.delete(other);
      group = new Group();
      this.#of.set(id, group);
    }
    return group;
  }

  close(): void {
    for (const group of this.#of.values()) group.close();
  }
}
