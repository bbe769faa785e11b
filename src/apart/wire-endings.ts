import type { ErrorCode } from '../core/errors.ts';
import type { Event, EventBatch } from '../core/event.ts';
import type { Outcome, RowCounts, SliceTiming } from '../core/outcome.ts';
import type { RawNumber, RequestId } from '../core/request.ts';
import type { Arm, ScoredBatch } from '../core/scored-batch.ts';

/** The endings of a batch as they travel between processes: columns, and all bodies in one piece. */
export interface SentEndings {
  readonly arms: readonly Pick<Arm, 'kind' | 'model' | 'modelVersion' | 'variant' | 'rollout'>[];
  /** By ending: its arm's place, its event's place, where its body ends. */
  readonly armOf: Uint32Array;
  readonly eventOf: Uint32Array;
  readonly bodyEnds: Uint32Array;
  /** By ending: see ScoredBatch. */
  readonly placeInEvent: Int32Array;
  readonly passedOver: ReadonlyMap<number, number>;
  readonly bodies: Buffer;
  readonly latenciesMs: Float64Array;
  readonly requestIds: readonly (RequestId | undefined)[];
  readonly codes: readonly (ErrorCode | undefined)[];
  readonly buckets: Int16Array;
  /** Undefined: no event carried several requests. Of an ending: undefined where its event carried one, null where it cannot be written. */
  readonly texts: readonly (string | null | undefined)[] | undefined;
  /** Undefined: no request gave a list. */
  readonly rows: readonly (RowCounts | undefined)[] | undefined;
  readonly slices: readonly SliceTiming[];
}

export function sendEndings(scored: ScoredBatch): SentEndings {
  const { length, slices } = scored;
  const armOf = new Uint32Array(length);
  const eventOf = new Uint32Array(length);
  const bodyEnds = new Uint32Array(length);
  const placeInEvent = new Int32Array(length);
  const latenciesMs = new Float64Array(length);
  const buckets = new Int16Array(length);
  const bodies: Buffer[] = [];
  const requestIds: (RequestId | undefined)[] = [];
  const codes: (ErrorCode | undefined)[] = [];
  const texts: (string | null | undefined)[] = [];
  const rows: (RowCounts | undefined)[] = [];
  let bytes = 0;
  for (let ending = 0; ending < length; ending++) {
    const arm = scored.arm(ending);
    const row = scored.rowOf(ending);
    const body = scored.body(ending);
    bytes += body.length;
    bodies.push(body);
    armOf[ending] = scored.armOf(ending);
    eventOf[ending] = scored.eventOf === undefined ? ending : (scored.eventOf[ending] as number);
    bodyEnds[ending] = bytes;
    placeInEvent[ending] = scored.placeInEvent(ending);
    latenciesMs[ending] = arm.latencyMs(row);
    requestIds.push(plainId(arm.requestId(row)));
    codes.push(arm.code(row));
    buckets[ending] = arm.bucket(row);
    texts.push(textOf(arm.text(row)));
    rows.push(arm.rowCounts(row));
  }
  return {
    arms: scored.arms.map(({ kind, model, modelVersion, variant, rollout }) => ({
      kind,
      model,
      modelVersion,
      variant,
      rollout,
    })),
    armOf,
    eventOf,
    bodyEnds,
    placeInEvent,
    passedOver: scored.passedOver,
    bodies: Buffer.concat(bodies),
    latenciesMs,
    requestIds,
    codes,
    buckets,
    texts: texts.some(text => text !== undefined) ? texts : undefined,
    rows: rows.some(counts => counts !== undefined) ? rows : undefined,
    slices,
  };
}

export function receiveEndings({ hub, partition, events }: EventBatch, sent: SentEndings): Outcome[] {
  const { arms, armOf, eventOf, bodyEnds, placeInEvent, bodies, latenciesMs, requestIds, codes, buckets, texts, rows } =
    sent;
  return Array.from(armOf, (arm, ending): Outcome => {
    const event = events[eventOf[ending] as number] as Event;
    const place = placeInEvent[ending] as number;
    const id = `${hub}/${partition}/${event.sequenceNumber}`;
    const { kind, model, modelVersion, variant, rollout } = arms[arm] as SentEndings['arms'][number];
    return {
      kind,
      event,
      resultId: place < 0 ? id : `${id}/${place}`,
      requestId: idOf(requestIds[ending]),
      text: textWriter(texts?.[ending]),
      model,
      modelVersion,
      variant,
      rollout,
      bucket: buckets[ending],
      body: bodies.subarray(bodyEnds[ending - 1] ?? 0, bodyEnds[ending]),
      code: codes[ending],
      rows: rows?.[ending],
      latencyMs: latenciesMs[ending] as number,
    };
  });
}

/** What `JSON.rawJSON` makes cannot be sent. */
function plainId(id: RequestId | undefined): RequestId | undefined {
  return typeof id === 'object' ? { rawJSON: id.rawJSON } : id;
}

/** `JSON.rawJSON`, which the language library of our TypeScript target does not declare yet. */
const { rawJSON: rawNumber } = JSON as unknown as { rawJSON(text: string): RawNumber };

function idOf(id: RequestId | undefined): RequestId | undefined {
  return typeof id === 'object' ? rawNumber(id.rawJSON) : id;
}

function textOf(write: (() => string) | undefined): string | null | undefined {
  try {
    return write?.();
  } catch {
    return null;
  }
}

function textWriter(text: string | null | undefined): (() => string) | undefined {
  if (text === undefined) return undefined;
  return () => {
    if (text === null) throw new Error('it is nested too deeply to be written again');
    return text;
  };
}
