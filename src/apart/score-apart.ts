import { InfrastructureError, RequestError } from '../core/errors.ts';
import type { Event, EventBatch } from '../core/event.ts';
import type { Log } from '../core/log.ts';
import type { Outcome, RenderDeadLetter, SliceTiming } from '../core/outcome.ts';
import { ScoredBatch } from '../core/scored-batch.ts';
import { onceAborted } from '../core/waiting.ts';
import { ChildLost, type Limits, type Loss } from '../processes/child.ts';
import { type Children, type Lease, NoChild } from './children.ts';
import type { Given } from './protocol.ts';
import { receiveEndings } from './wire-endings.ts';

export type Score = (batch: EventBatch, signal: AbortSignal) => Promise<ScoredBatch>;

export interface ApartOptions {
  readonly children: Children;
  /** Longest that a part may take. */
  readonly timeMs: number;
  /** By which a child may grow at it. */
  readonly growBytes: number;
  /** More of both, where models are still to be loaded. */
  readonly loadMs: number;
  readonly loadBytes: number;
  /** Told of every child that did not survive what it had. */
  readonly onLoss: (loss: Loss) => void;
  readonly log: Log;
}

/** Events that a child has at once. What is done when one dies is not done again, so they are few; each costs an ask, so they are not too few. */
const PART = 64;
/** How often an event may end a child that holds nothing else: once may have come from outside. */
export const DEATHS = 2;

export interface ScoreApartOptions extends ApartOptions {
  readonly renderDeadLetter: RenderDeadLetter;
}

/** So many processes may end in a row before one has answered anything: with more it is not the events, but this machine that cannot hold them. */
const FRUITLESS = 12;

interface Part {
  readonly events: readonly Event[];
  /** It is of a part at which a child died. */
  readonly isSuspect?: boolean;
  readonly outcomes?: readonly Outcome[];
  readonly slices?: readonly SliceTiming[];
  /** By event's place in the part. */
  readonly passedOver?: ReadonlyMap<number, number>;
}

/**
 * Scores batches in processes that may die of it. The part that a child died at is scored again, one event at a time; the event that a child held alone when it died, twice, ends as
 * `inference_failed`, and all others are answered.
 */
export function createScoreApart(options: ScoreApartOptions): Score {
  const { children, renderDeadLetter, onLoss, log } = options;
  /** By result id, of events that have ended a child alone; kept from one delivery to the next. */
  const deaths = new Map<string, number>();
  const idOf = ({ hub, partition }: EventBatch, { sequenceNumber }: Event) => `${hub}/${partition}/${sequenceNumber}`;

  /** An event that was answered: where the child before answered nothing, a fresh one shows by it that it works. */
  let control: EventBatch | undefined;
  /** Children that ended since the last answer. */
  let fruitless = 0;

  const bearsFruit = () => {
    fruitless = 0;
  };
  const deathsAt = (batch: EventBatch, { events: [event] }: Part) =>
    deaths.size === 0 ? 0 : (deaths.get(idOf(batch, event as Event)) ?? 0);

  /** In parts; what has ended a child already stands alone. */
  function cut(batch: EventBatch): Part[] {
    const parts: Part[] = [];
    let from = 0;
    batch.events.forEach((event, i) => {
      const suspect = deaths.size > 0 && deaths.has(idOf(batch, event));
      if (i > from && (suspect || i - from === PART)) {
        parts.push({ events: batch.events.slice(from, i) });
        from = i;
      }
      if (!suspect) return;
      parts.push({ events: [event] });
      from = i + 1;
    });
    if (from < batch.events.length) parts.push({ events: batch.events.slice(from) });
    return parts;
  }

  /** What is to be asked next in a part's place, where a child died at it. */
  function afterDeath(batch: EventBatch, part: Part, lost: ChildLost): readonly Part[] {
    const { events } = part;
    onLoss(lost.loss);
    if (++fruitless > FRUITLESS) throw new NoChild(`none answers anything: ${lost.message}`);
    if (events.length > 1) return events.map(event => ({ events: [event], isSuspect: true }));
    const event = events[0] as Event;
    const resultId = idOf(batch, event);
    const times = (deaths.get(resultId) ?? 0) + 1;
    if (times < DEATHS) {
      deaths.set(resultId, times);
      return [part];
    }
    deaths.delete(resultId);
    const message = tookTheProcess(lost);
    log.error(`${resultId} ends as inference_failed: ${message}`);
    const error = new RequestError('inference_failed', 'infer', message);
    const subject = { event, resultId, model: undefined, modelVersion: undefined };
    return [{ events, outcomes: [renderDeadLetter(batch, subject, error)] }];
  }

  /** Asks one child for parts until it dies; gives what stands in their places then. */
  async function askFor(batch: EventBatch, parts: readonly Part[], { child, warm }: Lease, signal: AbortSignal) {
    // The least suspicious first: they are answered then, and models loaded.
    const suspicion = (part: Part) => (part.isSuspect ? 1 : 0) + deathsAt(batch, part);
    const asked = parts.toSorted((one, other) => suspicion(one) - suspicion(other));
    const ask = (some: EventBatch, isWarm: boolean, deathsBefore: number) =>
      child.ask({ kind: 'score', batch: some }, limitsOf(options, isWarm, deathsBefore));
    const isTried = !warm && fruitless > 0 && control !== undefined;
    if (isTried) ask(control as EventBatch, false, 0).then(bearsFruit, () => (control = undefined));
    const settled = await Promise.allSettled(
      asked.map((part, i) => ask({ ...batch, events: part.events }, warm || isTried || i > 0, deathsAt(batch, part))),
    );
    signal.throwIfAborted(); // it killed the child: nobody died of anything
    return new Map(asked.map((part, i) => [part, after(batch, part, settled[i] as PromiseSettledResult<Given>)]));
  }

  function after(batch: EventBatch, part: Part, answer: PromiseSettledResult<Given>): readonly Part[] {
    if (answer.status === 'fulfilled') {
      if (deathsAt(batch, part) > 0) deaths.delete(idOf(batch, part.events[0] as Event));
      bearsFruit();
      control = { ...batch, events: part.events.slice(0, 1) };
      return [answered(batch, part, answer.value)];
    }
    const lost: unknown = answer.reason;
    if (!(lost instanceof ChildLost)) throw lost;
    if (!lost.begun) return [part];
    return afterDeath(batch, part, lost);
  }

  return async (batch, signal) => {
    let parts = cut(batch);
    for (let left = parts; left.length > 0; left = parts.filter(({ outcomes }) => outcomes === undefined)) {
      const lease = await children.take(signal);
      const leave = onceAborted(signal, lease.child.kill);
      try {
        const found = await askFor(batch, left, lease, signal);
        parts = parts.flatMap(part => found.get(part) ?? [part]);
      } finally {
        leave();
        lease.release();
      }
    }
    const outcomes = parts.flatMap(part => part.outcomes ?? []);
    const slices = parts.flatMap(part => part.slices ?? []);
    return ScoredBatch.of(batch, outcomes, slices, passedOverIn(parts));
  };
}

/** By event's place in the batch. */
function passedOverIn(parts: readonly Part[]): ReadonlyMap<number, number> {
  const all = new Map<number, number>();
  let from = 0;
  for (const { events, passedOver = [] } of parts) {
    for (const [place, count] of passedOver) all.set(from + place, count);
    from += events.length;
  }
  return all;
}

function answered(batch: EventBatch, { events }: Part, given: Given): Part {
  if (given.kind === 'away') throw new InfrastructureError(given.message);
  if (given.kind !== 'scored') throw new Error(`the process apart answered ${given.kind}`);
  const { slices, passedOver } = given.endings;
  return { events, outcomes: receiveEndings({ ...batch, events }, given.endings), slices, passedOver };
}

export function tookTheProcess({ message }: ChildLost): string {
  return `scored alone it took the process with it, twice: ${message}`;
}

/** A model that is loaded meanwhile is nobody's fault: what has ended a warm child may need one that others did not. */
export function limitsOf(
  { timeMs, growBytes, loadMs, loadBytes }: ApartOptions,
  warm: boolean,
  deaths: number,
): Limits {
  return {
    timeMs: warm ? timeMs : timeMs + loadMs,
    growBytes: warm && deaths === 0 ? growBytes : growBytes + loadBytes,
  };
}
