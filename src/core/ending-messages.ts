import { ownAttributes, sharedAttributes } from './cloud-event.ts';
import type { Event } from './event.ts';
import type { Arm, ScoredBatch } from './scored-batch.ts';

/** Application properties of an outgoing message; whole numbers travel as AMQP longs. */
export type Properties = Readonly<Record<string, string | number>>;

/** One event to append. Its content type is application/json. */
export interface OutgoingMessage {
  readonly messageId: string;
  readonly correlationId?: string | undefined;
  /** Properties that many messages share. The same object for all of them: it is encoded once. */
  readonly shared: Properties;
  /** Properties of this message alone. */
  readonly own: Properties;
  /** JSON, UTF-8. */
  readonly body: Buffer;
}

/** How far the requests partition is settled once a message is there: all of them bear the same, or each the number before its successor's event, and the last one this. */
export interface Mark {
  readonly rises: boolean;
  readonly settledThrough: number;
}

/** @param next the event of the message behind; undefined where there is none */
export function markAt({ rises, settledThrough }: Mark, next: Event | undefined): number {
  return rises && next !== undefined ? next.sequenceNumber - 1 : settledThrough;
}

/** Endings of a scored batch as messages to append, in order; each is made only where it is asked for. */
export class EndingMessages {
  readonly scored: ScoredBatch;
  /** Which endings of the batch; undefined: all. */
  readonly endings: Uint32Array | undefined;
  readonly mark: Mark;
  /** They are CloudEvents, each with attributes of its own. */
  readonly asCloudEvents: boolean;
  readonly #properties: Properties;
  readonly #shared: (Properties | undefined)[] = [];

  /** @param properties of every message: where it comes from */
  constructor(
    scored: ScoredBatch,
    endings: Uint32Array | undefined,
    mark: Mark,
    properties: Properties,
    asCloudEvents = false,
  ) {
    this.scored = scored;
    this.endings = endings;
    this.mark = mark;
    this.asCloudEvents = asCloudEvents;
    this.#properties = properties;
  }

  get length(): number {
    return this.endings?.length ?? this.scored.length;
  }

  /** Which ending of the batch a message is. */
  ending(at: number): number {
    return this.endings === undefined ? at : (this.endings[at] as number);
  }

  messageId(at: number): string {
    return this.scored.resultId(this.ending(at));
  }

  event(at: number): Event {
    return this.scored.event(this.ending(at));
  }

  sequenceNumber(at: number): number {
    return this.event(at).sequenceNumber;
  }

  settledThrough(at: number): number {
    return markAt(this.mark, at + 1 < this.length ? this.event(at + 1) : undefined);
  }

  /** What the messages of an arm share, by the arm's place. */
  sharedOf(place: number): Properties {
    let shared = this.#shared[place];
    if (shared === undefined) {
      const attributes = this.asCloudEvents ? sharedAttributes(this.scored.resultIdPrefix) : undefined;
      shared = { ...propertiesOf(this.scored.arms[place] as Arm), ...this.#properties, ...attributes };
      this.#shared[place] = shared;
    }
    return shared;
  }

  message(at: number): OutgoingMessage {
    const ending = this.ending(at);
    const event = this.scored.event(ending);
    const messageId = this.scored.resultId(ending);
    const body = this.scored.body(ending);
    const own = this.#own(event, this.settledThrough(at), this.bucket(at));
    return {
      messageId,
      correlationId: event.correlationId,
      shared: this.sharedOf(this.scored.armOf(ending)),
      own: this.asCloudEvents ? { ...own, ...ownAttributes(messageId, body) } : own,
      body,
    };
  }

  /** The first `count` of them. */
  head(count: number): EndingMessages {
    const endings = this.endings?.subarray(0, count) ?? Uint32Array.from({ length: count }, (_, at) => at);
    return new EndingMessages(this.scored, endings, this.mark, this.#properties, this.asCloudEvents);
  }

  *[Symbol.iterator](): Iterator<OutgoingMessage> {
    for (let at = 0; at < this.length; at++) yield this.message(at);
  }

  /** What the key of a message's request falls into; -1 where no rollout chose. */
  bucket(at: number): number {
    const ending = this.ending(at);
    return this.scored.arm(ending).bucket(this.scored.rowOf(ending));
  }

  #own({ sequenceNumber, properties: { traceparent } }: Event, settledThrough: number, bucket: number): Properties {
    const position = {
      ...(bucket < 0 ? undefined : { bucket }),
      source_sequence_number: sequenceNumber,
      settled_through: settledThrough,
    };
    return typeof traceparent === 'string' ? { ...position, traceparent } : position;
  }
}

function propertiesOf({ model, modelVersion, variant, rollout }: Arm): Properties {
  return {
    ...(model === undefined ? undefined : { model }),
    ...(modelVersion === undefined ? undefined : { model_version: modelVersion }),
    ...(variant === undefined ? undefined : { variant }),
    ...(rollout === undefined ? undefined : { rollout: rollout.id, revision: rollout.revision }),
  };
}
