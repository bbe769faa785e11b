import { ClockComparison } from './clock-offset.ts';

/** What became of a request. */
export const FATE = { unsettled: 0, sent: 1, notSent: 2, result: 3, deadLetter: 4 } as const;

/** What is read off a result or a dead letter. */
export interface SeenEnding {
  readonly kind: 'result' | 'dead-letter';
  readonly requestId: unknown;
  /** By the service's clock, milliseconds since the epoch: when the request and when its ending were enqueued. */
  readonly requestEnqueuedMs: number;
  readonly endingEnqueuedMs: number;
  /** Dead letters only. */
  readonly code: string | undefined;
  readonly cached: boolean;
}

/** Bounds memory: 48 bytes a request, twice that while a column grows. */
export const MOST_REQUESTS = 5_000_000;

/** Grows as needed; a plain array of numbers would take twice the memory and be boxed. */
class Column {
  private values = new Float64Array(1024);
  get(n: number): number {
    return this.values[n] ?? Number.NaN;
  }
  set(n: number, value: number): void {
    if (n >= this.values.length) {
      const larger = new Float64Array(Math.max(n + 1, this.values.length * 2));
      larger.set(this.values);
      this.values = larger;
    }
    this.values[n] = value;
  }
}

/** Every request of a run by its number: when it was meant to go, when it went, when it ended, and how. Times are milliseconds since the epoch. */
export class Tally {
  readonly clocks = new ClockComparison();
  readonly deadLetterCodes = new Map<string, number>();
  readonly sendFailures = new Map<string, number>();
  /** Requests whose sending was begun. */
  begun = 0;
  sent = 0;
  /** Not confirmed, and no ending either. */
  notSent = 0;
  /** Confirmed, and no ending yet. */
  waiting = 0;
  results = 0;
  deadLetters = 0;
  cached = 0;
  /** Endings that came again: delivery is at least once. */
  repeats = 0;
  private readonly idPrefix: string;
  private readonly fates = new Column();
  private readonly intended = new Column();
  private readonly sendBegan = new Column();
  private readonly confirmed = new Column();
  private readonly enqueued = new Column();
  private readonly ended = new Column();

  /** @param run tells this run's requests from any others in the hubs */
  constructor(run: string) {
    this.idPrefix = `load-${run}-`;
  }

  idOf(n: number): string {
    return `${this.idPrefix}${n}`;
  }

  begin(n: number, intendedMs: number, nowMs: number): void {
    this.begun = Math.max(this.begun, n + 1);
    this.intended.set(n, intendedMs);
    this.sendBegan.set(n, nowMs);
    this.confirmed.set(n, Number.NaN);
    this.fates.set(n, FATE.unsettled);
  }

  confirm(n: number, nowMs: number): void {
    this.sent++;
    this.confirmed.set(n, nowMs);
    if (this.fates.get(n) === FATE.unsettled) {
      this.fates.set(n, FATE.sent);
      this.waiting++;
    } else this.compareClocks(n); // the ending was quicker than the confirmation
  }

  /** The hub did not confirm it; it may have come in all the same, and then counts by its ending. */
  fail(n: number, reason: string): void {
    this.sendFailures.set(reason, (this.sendFailures.get(reason) ?? 0) + 1);
    if (this.fates.get(n) !== FATE.unsettled) return;
    this.fates.set(n, FATE.notSent);
    this.notSent++;
  }

  /** @returns the request's number, where it is one of this run that had not ended before. */
  end(ending: SeenEnding): number | undefined {
    const n = this.numberOf(ending.requestId);
    if (n === undefined) return undefined;
    const before = this.fates.get(n);
    if (before >= FATE.result) {
      this.repeats++;
      return undefined;
    }
    if (before === FATE.sent) this.waiting--;
    if (before === FATE.notSent) this.notSent--;
    const isResult = ending.kind === 'result';
    this.fates.set(n, isResult ? FATE.result : FATE.deadLetter);
    this.enqueued.set(n, ending.requestEnqueuedMs);
    this.ended.set(n, ending.endingEnqueuedMs);
    this.compareClocks(n);
    if (ending.cached) this.cached++;
    if (isResult) this.results++;
    else {
      this.deadLetters++;
      const code = ending.code ?? 'unexpected';
      this.deadLetterCodes.set(code, (this.deadLetterCodes.get(code) ?? 0) + 1);
    }
    return n;
  }

  at(n: number) {
    return {
      fate: this.fates.get(n),
      intendedMs: this.intended.get(n),
      sendBeganMs: this.sendBegan.get(n),
      confirmedMs: this.confirmed.get(n),
      enqueuedMs: this.enqueued.get(n),
      endedMs: this.ended.get(n),
    };
  }

  private numberOf(requestId: unknown): number | undefined {
    if (typeof requestId !== 'string' || !requestId.startsWith(this.idPrefix)) return undefined;
    const n = Number(requestId.slice(this.idPrefix.length));
    return Number.isInteger(n) && n >= 0 && n < this.begun ? n : undefined;
  }

  private compareClocks(n: number): void {
    const [began, enqueued, confirmed] = [this.sendBegan.get(n), this.enqueued.get(n), this.confirmed.get(n)];
    if (!Number.isNaN(enqueued + confirmed)) this.clocks.add(began, enqueued, confirmed);
  }
}
