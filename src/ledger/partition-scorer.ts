import { InfrastructureError, RequestError } from '../core/errors.ts';
import type { Event, EventBatch } from '../core/event.ts';
import { FaultLog } from '../core/fault-log.ts';
import type { PartitionRange } from '../core/hub-reader.ts';
import type { Clock, Log } from '../core/log.ts';
import { ScoredBatch } from '../core/scored-batch.ts';
import type { Admission } from './admission.ts';
import { type AppendOptions, appendEndings } from './append-endings.ts';
import type { Found, LedgerOptions } from './find-standing.ts';
import { createPartitionLedger } from './partition-ledger.ts';
import { markedThrough, type PassedOverMarks } from './passed-over-marks.ts';
import { type Score, scoreSafely } from './score-safely.ts';
import { consecutiveRuns, firstSlice, type Slice, type Weigh } from './slices.ts';

/** Told what is in flight, so that a process after this one can know what it died at; must not throw. */
export interface InFlight {
  /** Before a slice is scored; the function given is told when that is over, and whether all of it is settled. */
  begin(slice: EventBatch): (settled: boolean) => void;
}

/** Told what happened, for metrics and traces; must not throw. */
export interface ScoringObserver {
  /** Every ending of these events is confirmed. */
  settled(
    batch: EventBatch,
    scored: ScoredBatch,
    timing: { readonly receivedAtMs: number; readonly sentAtMs: number },
  ): void;
  /** Events that were not scored as they came again, or scored though the host never brought them. */
  ledger(partition: string, counts: { readonly skipped: number; readonly recovered: number }): void;
}

export interface PartitionScorerOptions extends Omit<AppendOptions, 'hub'> {
  readonly ledger: LedgerOptions;
  readonly passedOver?: PassedOverMarks | undefined;
  readonly consumerGroup: string;
  readonly score: Score;
  readonly observer: ScoringObserver;
  readonly inFlight?: InFlight | undefined;
  /** @throws InfrastructureError at once while a hub of the endings is left alone: nothing is scored that cannot be sent. */
  readonly refuseWhileAway: () => void;
  readonly admission: Admission;
  /** BATCH_DEADLINE_SECONDS: a batch ends by then, shorter than the host's functionTimeout, which would kill the whole process. */
  readonly deadlineMs: number;
  readonly weigh: Weigh;
  /** What the events of one slice weigh together, at most. */
  readonly maxSliceBytes: number;
  readonly clock: Clock;
  readonly log: Log;
}

/** Settles the events of one requests partition, in order, each exactly once as far as the tails can tell. One call at a time. */
export interface PartitionScorer {
  /** Resolves once every event has its endings confirmed. @throws InfrastructureError, SendError, the signal's reason. */
  settle(events: readonly Event[], signal: AbortSignal): Promise<void>;
  /** How far it is known to be settled; undefined where nobody has looked. */
  readonly settledThrough: number | undefined;
  /** Reads the tails, and what the requests partition holds. */
  look(signal: AbortSignal): Promise<Found>;
  /** Scores events that the host passed over, read from the requests hub, as far as `isMeant` says so. */
  fill(
    from: number,
    to: number,
    range: PartitionRange,
    signal: AbortSignal,
    isMeant?: (event: Event) => boolean,
  ): Promise<number>;
}

/** Where all is passed over for this long, a mark says how far that is settled: no ending does. */
const MARK_AFTER_MS = 30_000;

/** A partition without work for this long may have been another process's meanwhile, which need not have left a checkpoint. */
const IDLE_MS = 500;

export function createPartitionScorer(partition: string, options: PartitionScorerOptions): PartitionScorer {
  const {
    passedOver,
    score,
    renderDeadLetter,
    refuseWhileAway,
    admission,
    deadlineMs,
    maxSliceBytes,
    observer,
    consumerGroup,
  } = options;
  const { clock, log, weigh, inFlight } = options;
  const { requests } = options.ledger.hubs;

  const hub = requests.hub;
  const name = `${hub}/${partition}`;
  const faults = new FaultLog(log, clock);
  const ledger = createPartitionLedger(partition, options.ledger);
  /** Shrinks where a slice takes longer than a function may run, so that there is progress; grows again. */
  let maxSliceEvents = Number.POSITIVE_INFINITY;
  /** An event that alone took longer than that. */
  let tooSlow: number | undefined;

  let idleSinceMs = 0;
  /** When an ending or a mark said last how far all is settled. */
  let saidAtMs = clock();
  /** When the ends of the tails were seen, or appended to, last. */
  let seenAtMs = 0;

  /** A hub that restarts closes its connections: a second try is cheaper than the whole batch again. */
  const readTails = async (nextSequenceNumber: number | undefined, signal: AbortSignal): Promise<Found> => {
    const found = await options.retry.execute(() => ledger.refresh(nextSequenceNumber, signal), signal);
    seenAtMs = clock();
    return found;
  };

  async function othersAppended(signal: AbortSignal): Promise<boolean> {
    const appended = await options.retry.execute(() => ledger.othersAppended(signal), signal);
    seenAtMs = clock();
    return appended;
  }

  /** Whether what this process knows is still true before an event is scored. */
  async function isUpToDate({ sequenceNumber }: Event, signal: AbortSignal): Promise<boolean> {
    if (!ledger.trusted || sequenceNumber !== ledger.deliveredThrough + 1) return false;
    if (clock() - idleSinceMs <= IDLE_MS) return true;
    return !(await othersAppended(signal));
  }

  async function settleRun(events: readonly Event[], signal: AbortSignal): Promise<void> {
    const [first, last] = [events[0] as Event, events[events.length - 1] as Event];
    if (!(await isUpToDate(first, signal))) {
      const found = await readTails(first.sequenceNumber, signal);
      ledger.trusted = true;
      const mark = ledger.standing.settledThrough;
      if (mark >= first.sequenceNumber) {
        const through = Math.min(mark, last.sequenceNumber);
        log.info(`${name}: ${first.sequenceNumber} to ${through} came again and are settled already`);
        observer.ledger(partition, { skipped: through - first.sequenceNumber + 1, recovered: 0 });
      } else if (mark + 1 < first.sequenceNumber) {
        await fill(mark + 1, first.sequenceNumber - 1, found.requests, signal);
        ledger.settle(first.sequenceNumber - 1);
      }
    }
    await settleSlices(events, signal);
    ledger.deliveredThrough = last.sequenceNumber;
    idleSinceMs = clock();
  }

  async function settleSlices(events: readonly Event[], signal: AbortSignal): Promise<void> {
    const mark = ledger.standing.settledThrough;
    let rest = (events[0]?.sequenceNumber ?? 0) > mark ? events : events.filter(event => event.sequenceNumber > mark);
    while (rest.length > 0) {
      const slice = firstSlice(rest, maxSliceEvents, maxSliceBytes, weigh);
      await settleSlice(slice, signal);
      rest = rest.slice(slice.events.length);
    }
  }

  async function settleSlice({ events, bytes }: Slice, signal: AbortSignal): Promise<void> {
    const batch: EventBatch = { hub, consumerGroup, partition, events };
    const lastSequenceNumber = events[events.length - 1]?.sequenceNumber as number;
    const receivedAtMs = clock();
    const leave = await admission.enter(bytes, signal);
    const end = inFlight?.begin(batch);
    let settled = false;
    try {
      refuseWhileAway();
      const scored = await scoreSlice(batch, signal);
      const life = ledger.standing.log;
      const view = {
        current: () => ledger.standing,
        confirm: ledger.confirm,
        async refresh() {
          await ledger.refresh(undefined, signal);
          if (ledger.standing.log !== life)
            throw new InfrastructureError(`${name}: the requests hub was made anew meanwhile`);
        },
      };
      // While records are passed over nothing is appended: others may have taken the partition for silent, and filled it.
      if (scored.length > 0 && clock() - seenAtMs > IDLE_MS && (await othersAppended(signal))) await view.refresh();
      await appendEndings(scored, { partition, lastSequenceNumber }, view, { ...options, hub }, signal);
      if (scored.length > 0) seenAtMs = saidAtMs = clock();
      ledger.settle(lastSequenceNumber);
      settled = true;
      maxSliceEvents *= 2;
      observer.settled(batch, scored, { receivedAtMs, sentAtMs: clock() });
      if (clock() - saidAtMs > MARK_AFTER_MS) await mark();
    } finally {
      end?.(settled);
      leave();
    }
  }

  async function mark(): Promise<void> {
    const { log: life, settledThrough } = ledger.standing;
    saidAtMs = clock();
    await passedOver?.write(hub, partition, { log: life, endings: ledger.endings, settledThrough });
  }

  /** The first event from this one on that nobody has settled, as far as a mark says so. */
  async function firstUnmarked(from: number): Promise<number> {
    const mark = await passedOver?.read(hub, partition);
    return Math.max(from, markedThrough(mark, ledger.standing.log, ledger.endings) + 1);
  }

  async function scoreSlice(batch: EventBatch, signal: AbortSignal): Promise<ScoredBatch> {
    const { events } = batch;
    const [event] = events;
    if (event && events.length === 1 && event.sequenceNumber === tooSlow) {
      const subject = { event, resultId: `${name}/${event.sequenceNumber}`, model: undefined, modelVersion: undefined };
      const error = new RequestError('inference_failed', 'infer', 'scoring takes longer than BATCH_DEADLINE_SECONDS');
      return ScoredBatch.of(batch, [renderDeadLetter(batch, subject, error)]);
    }
    const startedAtMs = clock();
    try {
      return await scoreSafely(batch, score, renderDeadLetter, faults, signal);
    } catch (thrown) {
      if (signal.aborted) {
        // It would run into the deadline again, for ever: smaller slices settle at least some of it each time.
        maxSliceEvents = Math.max(1, events.length >> 1);
        // Where most of the time went elsewhere, waiting for a hub for instance, the event is not to blame.
        if (events.length === 1 && clock() - startedAtMs > deadlineMs / 2) tooSlow = event?.sequenceNumber;
      }
      throw thrown;
    }
  }

  async function fill(
    first: number,
    to: number,
    range: PartitionRange,
    signal: AbortSignal,
    isMeant: (event: Event) => boolean = () => true,
  ): Promise<number> {
    const from = await firstUnmarked(first);
    if (from > first) ledger.settle(from - 1);
    const start = Math.max(from, range.empty ? to + 1 : range.first);
    if (from < start) {
      log.error(`${name}: ${from} to ${start - 1} expired before they were scored: they cannot be read any more`);
    }
    if (start > to) return 0;
    log.warn(`${name}: ${start} to ${to} were passed over by the host; reading and scoring them now`);
    let filled = 0;
    for await (const block of requests.read(partition, { sequenceNumber: start }, signal)) {
      const all = block.filter(event => event.sequenceNumber <= to);
      const end = all.findIndex(event => !isMeant(event));
      const missing = end < 0 ? all : all.slice(0, end);
      if (missing.length > 0) await settleSlices(missing, signal);
      filled += missing.length;
      if (end >= 0) {
        observer.ledger(partition, { skipped: 0, recovered: filled });
        return filled;
      }
      if ((block[block.length - 1]?.sequenceNumber ?? to) >= to) break;
    }
    log.info(`${name}: ${start} to ${to} are settled`);
    observer.ledger(partition, { skipped: 0, recovered: filled });
    return filled;
  }

  /** Whatever fails, the tails are read before anything else is appended. */
  async function distrustOnFailure<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (thrown) {
      ledger.trusted = false;
      throw thrown;
    }
  }

  return {
    settle: (events, signal) =>
      distrustOnFailure(async () => {
        refuseWhileAway();
        for (const run of consecutiveRuns(events)) await settleRun(run, signal);
      }),
    get settledThrough() {
      return ledger.settledThrough;
    },
    async look(signal) {
      const found = await readTails(undefined, signal);
      return { ...found, standing: ledger.standing };
    },
    fill: (...args) => distrustOnFailure(() => fill(...args)),
  };
}
