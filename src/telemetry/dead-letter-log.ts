import type { EventBatch } from '../core/event.ts';
import type { Clock, Log } from '../core/log.ts';
import type { ScoredBatch } from '../core/scored-batch.ts';
import { codeOf, codesOf, deadLettersOf } from './dead-letters.ts';

/** Lines a minute at most, and ids in one: every line is paid for, and the dead-letter hub has every id. */
const MAX_A_MINUTE = 5;
const MINUTE_MS = 60_000;
const MAX_IDS = 8;

/** Tells the log of batches with dead letters: how many by which code, and of the first ones the ids by which the dead-letter hub knows them. */
export class DeadLetterLog {
  readonly #log: Log;
  readonly #clock: Clock;
  #minuteMs = Number.NEGATIVE_INFINITY;
  #said = 0;
  /** By code, of batches without a line. */
  #unsaid: Record<string, number> = {};

  constructor(log: Log, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
  }

  tell(batch: EventBatch, scored: ScoredBatch): void {
    const dead = deadLettersOf(scored);
    if (dead.length === 0) return;
    const now = this.#clock();
    if (now - this.#minuteMs >= MINUTE_MS) {
      this.flush();
      this.#minuteMs = now;
      this.#said = 0;
    }
    const codes = codesOf(scored, dead);
    if (this.#said++ >= MAX_A_MINUTE) {
      for (const [code, count] of Object.entries(codes)) this.#unsaid[code] = (this.#unsaid[code] ?? 0) + count;
      return;
    }
    const ids = dead.slice(0, MAX_IDS).map(ending => `${scored.resultId(ending)} ${codeOf(scored, ending)}`);
    const more = dead.length > MAX_IDS ? [`and ${dead.length - MAX_IDS} more`] : [];
    const where = `${batch.hub}/${batch.partition}`;
    this.#log.warn(
      `${where}: ${dead.length} of ${scored.length} requests are dead letters (${wordsOf(codes)}): ${[...ids, ...more].join(', ')}`,
    );
  }

  /** Says what was left unsaid. */
  flush(): void {
    if (Object.keys(this.#unsaid).length === 0) return;
    this.#log.warn(`more dead letters meanwhile: ${wordsOf(this.#unsaid)}`);
    this.#unsaid = {};
  }
}

const wordsOf = (codes: Readonly<Record<string, number>>) =>
  Object.entries(codes)
    .map(([code, count]) => `${count} ${code}`)
    .join(', ');
