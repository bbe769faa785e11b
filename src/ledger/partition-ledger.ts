import type { EndingMessages } from '../core/ending-messages.ts';
import { everAppended, type Found, findStanding, type LedgerOptions } from './find-standing.ts';
import { advance, merge, type Standing } from './standing.ts';

/** What this process knows of one requests partition. Used by one batch at a time. */
export interface PartitionLedger {
  /** @throws Error before the first `refresh`. */
  readonly standing: Standing;
  /** Which hubs the endings are in, as they were last found; empty before the first `refresh`. */
  readonly endings: string;
  /** Undefined before the first `refresh`. */
  readonly settledThrough: number | undefined;
  /** False before the first look at the tails, and after anything failed: then the tails must be read before the next batch. */
  trusted: boolean;
  /** Last sequence number that the host delivered and that is settled; the next batch should follow it. */
  deliveredThrough: number;
  /** Reads the tails; what this process knows to be settled stays settled. */
  refresh(nextSequenceNumber: number | undefined, signal: AbortSignal): Promise<Found>;
  /** Whether anyone else has appended to the tails since they were read: a look at their ends alone. */
  othersAppended(signal: AbortSignal): Promise<boolean>;
  /** Takes note of confirmed endings, should the rest of their batch fail. */
  confirm(messages: EndingMessages): void;
  /** Everything through here is settled. */
  settle(through: number): void;
}

export function createPartitionLedger(partition: string, options: LedgerOptions): PartitionLedger {
  let standing: Standing | undefined;
  /** Not put into `standing` at once: in the usual case nobody asks. */
  let confirmed: EndingMessages[] = [];
  /** Events there must be at the tails if nobody else appends to them. */
  let appended = 0;
  let endings = '';

  const current = (): Standing => {
    if (!standing) throw new Error(`the tails of partition ${partition} have not been read`);
    if (confirmed.length > 0) {
      const ended = new Map(standing.ended);
      for (const messages of confirmed) {
        for (let at = 0; at < messages.length; at++) ended.set(messages.messageId(at), messages.sequenceNumber(at));
      }
      standing = { ...standing, ended };
      confirmed = [];
    }
    return standing;
  };

  return {
    trusted: false,
    deliveredThrough: -1,
    get endings() {
      return endings;
    },
    get settledThrough() {
      return standing?.settledThrough;
    },
    get standing() {
      return current();
    },
    async refresh(nextSequenceNumber, signal) {
      const found = await findStanding(partition, nextSequenceNumber, options, signal);
      standing = standing ? merge(current(), found.standing) : found.standing;
      ({ appended, endings } = found);
      return found;
    },
    async othersAppended(signal) {
      const { results, deadLetters } = options.hubs;
      const ranges = await Promise.all([results.range(partition, signal), deadLetters.range(partition, signal)]);
      return everAppended(...ranges) !== appended;
    },
    confirm(messages) {
      appended += messages.length;
      confirmed.push(messages);
    },
    settle(through) {
      confirmed = [];
      standing = advance(current(), Math.max(through, current().settledThrough));
    },
  };
}
