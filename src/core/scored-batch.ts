import type { ErrorCode } from './errors.ts';
import type { Event } from './event.ts';
import type { Outcome, RowCounts, SliceTiming } from './outcome.ts';
import type { RequestId } from './request.ts';
import type { RolloutMark } from './routing.ts';

/** Endings that share their kind and their wording: results of one version by one route, or dead letters that name the same. A row is what the batch's columns have for an ending. */
export interface Arm {
  readonly kind: Outcome['kind'];
  readonly model: string | undefined;
  readonly modelVersion: string | undefined;
  readonly variant: string | undefined;
  readonly rollout: RolloutMark | undefined;
  /** Another version answered than was asked for; absent: none did. */
  readonly fallback?: boolean;
  /** No body is longer, bytes; undefined where `maxBodyBytes` is to be asked for each. */
  readonly maxBytes: number | undefined;
  /** No less than `writeBody` takes for this row, bytes. */
  maxBodyBytes(row: number): number;
  /** Writes the row's JSON at `at`, where `maxBodyBytes` are free; returns its end. */
  writeBody(row: number, into: Buffer, at: number): number;
  /** From enqueued to scored, milliseconds. */
  latencyMs(row: number): number;
  /** Each of its endings is that of one instance. */
  readonly isSingle: boolean;
  /** See Outcome. */
  rowCounts(row: number): RowCounts | undefined;
  requestId(row: number): RequestId | undefined;
  /** See Outcome. */
  text(row: number): (() => string) | undefined;
  /** Dead letters only. */
  code(row: number): ErrorCode | undefined;
  /** Where a rollout chose: what its key falls into; else -1. */
  bucket(row: number): number;
}

/** Where endings stand, column by column. */
export interface EndingColumns {
  /** By ending: its event's place among the events; undefined where every event has exactly one ending. */
  readonly eventOf: Uint32Array | undefined;
  /** By ending: which of its event's records it ends, -1 where the event has but one; undefined: all of them, one after the other. */
  readonly partOf?: Int32Array | undefined;
  /** By ending: its arm's place among the arms, and its row there, which where that is undefined is the ending itself; undefined where all are of one arm. */
  readonly places: { readonly armOf: Uint32Array; readonly rowOf: Uint32Array | undefined } | undefined;
  readonly arms: readonly Arm[];
}

const NONE: ReadonlyMap<number, number> = new Map();

/** A scored batch: one ending for every request, in the order of the events and of the requests within them. What a card passes over is no request. Objects are made only where somebody asks for one. */
export class ScoredBatch implements EndingColumns {
  readonly events: readonly Event[];
  readonly eventOf: Uint32Array | undefined;
  readonly places: EndingColumns['places'];
  readonly arms: readonly Arm[];
  /** How many endings there are. */
  readonly length: number;
  readonly slices: readonly SliceTiming[];
  /** By event's place: how many of its records were passed over. An event with none left has no ending, and is settled all the same. */
  readonly passedOver: ReadonlyMap<number, number>;
  /** `hub/partition/`; an event's sequence number, and its place among several requests, make it the result id. */
  readonly resultIdPrefix: string;
  #places: Int32Array | undefined;

  constructor(
    batch: { readonly hub: string; readonly partition: string; readonly events: readonly Event[] },
    columns: EndingColumns,
    slices: readonly SliceTiming[],
    passedOver: ReadonlyMap<number, number> = NONE,
  ) {
    this.events = batch.events;
    this.passedOver = passedOver;
    this.#places = columns.partOf;
    this.resultIdPrefix = `${batch.hub}/${batch.partition}/`;
    this.eventOf = columns.eventOf;
    this.places = columns.places;
    this.length = columns.eventOf?.length ?? columns.places?.armOf.length ?? batch.events.length;
    this.arms = columns.arms;
    this.slices = slices;
  }

  /**
   * The same of endings that are objects already.
   * @throws Error where they are not in the order of the events, or an event has none and was not passed over: what the marks promise rests on it.
   */
  static of(
    batch: { readonly hub: string; readonly partition: string; readonly events: readonly Event[] },
    outcomes: readonly Outcome[],
    slices: readonly SliceTiming[] = [],
    passedOver: ReadonlyMap<number, number> = NONE,
  ): ScoredBatch {
    const eventOf = placeOutcomes(batch.events, outcomes, passedOver);
    const partOf = passedOver.size === 0 ? undefined : Int32Array.from(outcomes, ({ resultId }) => partIn(resultId));
    const armOf = new Uint32Array(outcomes.length);
    const rowOf = new Uint32Array(outcomes.length);
    const arms = new OutcomeArms();
    outcomes.forEach((outcome, i) => {
      const arm = arms.of(outcome);
      armOf[i] = arm.place;
      rowOf[i] = arm.add(outcome);
    });
    const columns = { eventOf, partOf, places: { armOf, rowOf }, arms: arms.all };
    return new ScoredBatch(batch, columns, slices, passedOver);
  }

  event(ending: number): Event {
    return this.events[this.eventOf === undefined ? ending : (this.eventOf[ending] as number)] as Event;
  }

  /** Its arm's place among the arms. */
  armOf(ending: number): number {
    return this.places === undefined ? 0 : (this.places.armOf[ending] as number);
  }

  /** Its row for its arm. */
  rowOf(ending: number): number {
    const rowOf = this.places?.rowOf;
    return rowOf === undefined ? ending : (rowOf[ending] as number);
  }

  arm(ending: number): Arm {
    return this.arms[this.armOf(ending)] as Arm;
  }

  resultId(ending: number): string {
    const place = this.placeInEvent(ending);
    const id = this.resultIdPrefix + this.event(ending).sequenceNumber;
    return place < 0 ? id : `${id}/${place}`;
  }

  /** Which of its event's requests it ends; -1 where the event carried one alone. */
  placeInEvent(ending: number): number {
    if (this.eventOf === undefined) return -1;
    this.#places ??= placesInEvents(this.eventOf);
    return this.#places[ending] as number;
  }

  /** Its body as it is sent; a buffer of its own. */
  body(ending: number): Buffer {
    const arm = this.arm(ending);
    const row = this.rowOf(ending);
    const room = Buffer.allocUnsafe(arm.maxBodyBytes(row));
    return room.subarray(0, arm.writeBody(row, room, 0));
  }

  outcome(ending: number): Outcome {
    const arm = this.arm(ending);
    const row = this.rowOf(ending);
    const { kind, model, modelVersion, variant, rollout } = arm;
    return {
      kind,
      event: this.event(ending),
      resultId: this.resultId(ending),
      requestId: arm.requestId(row),
      text: arm.text(row),
      model,
      modelVersion,
      variant,
      rollout,
      bucket: arm.bucket(row),
      body: this.body(ending),
      code: arm.code(row),
      latencyMs: arm.latencyMs(row),
      rows: arm.rowCounts(row),
    };
  }

  /** All endings as objects. */
  outcomes(): Outcome[] {
    return Array.from({ length: this.length }, (_, ending) => this.outcome(ending));
  }
}

function placesInEvents(eventOf: Uint32Array): Int32Array {
  const places = new Int32Array(eventOf.length);
  for (let i = 0; i < eventOf.length; i++) {
    const more = eventOf[i] === eventOf[i + 1];
    if (i > 0 && eventOf[i] === eventOf[i - 1]) places[i] = (places[i - 1] as number) + 1;
    else places[i] = more ? 0 : -1;
  }
  return places;
}

/** Every outcome's event by its place; undefined where they are one to one. */
function placeOutcomes(
  events: readonly Event[],
  outcomes: readonly Outcome[],
  passedOver: ReadonlyMap<number, number>,
): Uint32Array | undefined {
  const eventOf = new Uint32Array(outcomes.length);
  let at = -1;
  outcomes.forEach(({ event }, i) => {
    if (at < 0 || event.sequenceNumber !== events[at]?.sequenceNumber) {
      at++;
      while (passedOver.has(at) && event.sequenceNumber !== events[at]?.sequenceNumber) at++;
    }
    if (event.sequenceNumber !== events[at]?.sequenceNumber) {
      throw new Error(`the endings are out of step at sequence number ${event.sequenceNumber}`);
    }
    eventOf[i] = at;
  });
  while (passedOver.has(at + 1)) at++;
  if (at !== events.length - 1) throw new Error(`there are endings for ${at + 1} of ${events.length} events`);
  return outcomes.length === events.length && passedOver.size === 0 ? undefined : eventOf;
}

/** The i of `hub/partition/sequence number/i`; -1 where there is none. */
function partIn(resultId: string): number {
  const [, , , part] = resultId.split('/');
  return part === undefined ? -1 : Number(part);
}

/** Endings that are objects, by what they share. */
export class OutcomeArms {
  readonly all: OutcomeArm[] = [];
  readonly #firstPlace: number;
  readonly #byKey = new Map<string, OutcomeArm>();
  #last: OutcomeArm | undefined;

  /** @param firstPlace of these arms among those of the batch */
  constructor(firstPlace = 0) {
    this.#firstPlace = firstPlace;
  }

  of(outcome: Outcome): OutcomeArm {
    if (this.#last?.takes(outcome)) return this.#last;
    const key = JSON.stringify([outcome.kind, outcome.model, outcome.modelVersion, outcome.variant, outcome.rollout]);
    let arm = this.#byKey.get(key);
    if (arm === undefined) {
      arm = new OutcomeArm(this.#firstPlace + this.all.length, outcome);
      this.all.push(arm);
      this.#byKey.set(key, arm);
    }
    this.#last = arm;
    return arm;
  }
}

function isSameMark(one: RolloutMark | undefined, other: RolloutMark | undefined): boolean {
  return one === other || (one?.id === other?.id && one?.revision === other?.revision);
}

export class OutcomeArm implements Arm {
  readonly place: number;
  readonly kind: Outcome['kind'];
  readonly model: string | undefined;
  readonly modelVersion: string | undefined;
  readonly variant: string | undefined;
  readonly rollout: RolloutMark | undefined;
  readonly maxBytes = undefined;
  readonly isSingle = false;
  readonly #outcomes: Outcome[] = [];

  constructor(place: number, { kind, model, modelVersion, variant, rollout }: Outcome) {
    this.place = place;
    this.kind = kind;
    this.model = model;
    this.modelVersion = modelVersion;
    this.variant = variant;
    this.rollout = rollout;
  }

  takes({ kind, model, modelVersion, variant, rollout }: Outcome): boolean {
    const isSame = kind === this.kind && model === this.model && modelVersion === this.modelVersion;
    return isSame && variant === this.variant && isSameMark(rollout, this.rollout);
  }

  /** Gives its row. */
  add(outcome: Outcome): number {
    return this.#outcomes.push(outcome) - 1;
  }

  maxBodyBytes(row: number): number {
    return this.#of(row).body.length;
  }

  writeBody(row: number, into: Buffer, at: number): number {
    const { body } = this.#of(row);
    into.set(body, at);
    return at + body.length;
  }

  latencyMs(row: number): number {
    return this.#of(row).latencyMs;
  }

  rowCounts(row: number): RowCounts | undefined {
    return this.#of(row).rows;
  }

  requestId(row: number): RequestId | undefined {
    return this.#of(row).requestId;
  }

  text(row: number): (() => string) | undefined {
    return this.#of(row).text;
  }

  code(row: number): ErrorCode | undefined {
    return this.#of(row).code;
  }

  bucket(row: number): number {
    return this.#of(row).bucket ?? -1;
  }

  #of(row: number): Outcome {
    return this.#outcomes[row] as Outcome;
  }
}
