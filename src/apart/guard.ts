import type { Event, EventBatch } from '../core/event.ts';
import type { Clock, Log } from '../core/log.ts';
import { NoChild } from './children.ts';
import type { Mark } from './mark-record.ts';
import type { Marks } from './marks.ts';
import type { Predict } from './predict-apart.ts';
import type { Score } from './score-apart.ts';

export interface GuardOptions {
  readonly marks: Marks;
  /** In this process. */
  readonly score: Score;
  readonly predict: Predict;
  /** In another one. */
  readonly scoreApart: Score;
  readonly predictApart: Predict;
  readonly clock: Clock;
  readonly log: Log;
}

/** Chooses where a batch is scored: here, unless a process before this one died, lately or of this very batch. */
export interface Guard {
  readonly score: Score;
  /** Of requests that come from no event. */
  readonly predict: Predict;
  /** Of requests in the form of events that nobody delivered. */
  readonly scoreAsked: Score;
  /** A batch is in flight from now on; the function given is told when it is no more, and whether all of it is settled. */
  begin(batch: EventBatch): (settled: boolean) => void;
  /** A process apart died, as this one would have: all goes on apart for longer. */
  warn(): void;
}

/** The host gives up at the third death in 12 s. With everything apart for so long after one, there are two at most, however many events kill. */
const CAUTION_MS = 60_000;

/** Where no process apart can be had, for how long that is not tried again. */
const WITHOUT_MS = 10_000;

/** Events of which one may have been a process's death. */
interface Suspects {
  readonly partition: string;
  readonly first: number;
  readonly last: number;
  readonly size: number;
}

export function createGuard(options: GuardOptions): Guard {
  const { marks, score, predict, scoreApart, predictApart, clock, log } = options;
  const byHttp = marks.slot(undefined);
  let suspects: readonly Suspects[] = marks.found.flatMap(({ partition, ...range }) =>
    partition === undefined ? [] : [{ partition, ...range }],
  );
  let cautiousUntilMs = 0;
  let withoutUntilMs = 0;
  if (marks.found.length > 0) {
    cautiousUntilMs = clock() + CAUTION_MS;
    log.warn(
      `a process died with ${marks.found.map(inWords).join(', ')} in flight: that is scored apart, and so is everything else for ${CAUTION_MS / 1000} s`,
    );
  }

  function isCautious(): boolean {
    if (cautiousUntilMs === 0) return false;
    if (clock() < cautiousUntilMs) return true;
    cautiousUntilMs = 0;
    log.info('no process died of late: what comes is scored in this one again');
    forget();
    return false;
  }

  function isApart({ partition, events }: EventBatch): boolean {
    if (isCautious()) return true;
    if (suspects.length === 0) return false;
    const [first, last] = endsOf(events);
    return suspects.some(range => range.partition === partition && range.first <= last && range.last >= first);
  }

  async function apart<T>(there: () => Promise<T>, here: () => Promise<T>): Promise<T> {
    if (clock() < withoutUntilMs) return here();
    try {
      return await there();
    } catch (thrown) {
      if (!(thrown instanceof NoChild)) throw thrown;
      log.error(
        `nothing can be scored apart: ${thrown.message}; for ${WITHOUT_MS / 1000} s all is scored in this process`,
      );
      withoutUntilMs = clock() + WITHOUT_MS;
      return here();
    }
  }

  async function markedByHttp<T>(work: () => Promise<T>): Promise<T> {
    byHttp.enter(0, 0);
    try {
      return await work();
    } finally {
      byHttp.leave();
    }
  }

  /** Of a partition: what is to come begins at `first`, all before it is settled; and no more than a batch of it was in flight. */
  function narrow(partition: string, first: number): void {
    suspects = suspects
      .map(range =>
        range.partition === partition && range.first <= first
          ? { ...range, first, last: Math.min(range.last, first + range.size - 1) }
          : range,
      )
      .filter(range => range.first <= range.last);
    forget();
  }

  function forget(): void {
    if (suspects.length === 0 && cautiousUntilMs === 0) marks.forget();
  }

  return {
    score(batch, signal) {
      const here = () => score(batch, signal);
      return isApart(batch) ? apart(() => scoreApart(batch, signal), here) : here();
    },
    predict(...asked) {
      const here = () => markedByHttp(() => predict(...asked));
      return isCautious() ? apart(() => predictApart(...asked), here) : here();
    },
    scoreAsked(batch, signal) {
      const here = () => markedByHttp(() => score(batch, signal));
      return isCautious() ? apart(() => scoreApart(batch, signal), here) : here();
    },
    begin({ partition, events }) {
      const [first, last] = endsOf(events);
      const slot = marks.slot(partition);
      slot.enter(first, last);
      if (suspects.length > 0) narrow(partition, first);
      return settled => {
        slot.leave();
        if (settled && suspects.length > 0) narrow(partition, last + 1);
      };
    },
    warn() {
      if (cautiousUntilMs > 0) cautiousUntilMs = clock() + CAUTION_MS;
    },
  };
}

function endsOf(events: readonly Event[]): [first: number, last: number] {
  return [(events[0] as Event).sequenceNumber, (events[events.length - 1] as Event).sequenceNumber];
}

function inWords({ partition, first, last, size }: Mark): string {
  if (partition === undefined) return 'requests by HTTP';
  return `up to ${size} events of partition ${partition} between ${first} and ${last}`;
}
