import type { Clock, Log } from './log.ts';
import { logTopicOf } from './log-topics.ts';
import { seeOf } from './on-call.ts';

const MINUTE_MS = 60_000;
/** Lines of one kind that are printed in a minute; those after it are counted. */
const MAX_A_MINUTE = 10;
/** Kinds that are told apart; what comes after them is one kind until a minute is over. */
const MAX_KINDS = 500;

type Level = keyof Log;

interface Kind {
  readonly level: Level;
  readonly sinceMs: number;
  said: number;
  /** The last one that was not printed. */
  last: string;
}

/**
 * A log whose messages say where they are explained (`see docs/operate.md#circuit-open`), and of which one that comes again and again is printed ten times a
 * minute and then counted: what fails a thousand times a second must not fill a disk, nor hide what else there is. Two are of one kind where they
 * differ in numbers alone.
 * @param after runs something later: told how many there were, even where none comes any more
 */
export function createCountingLog(log: Log, clock: Clock, after = later): Log {
  const kinds = new Map<string, Kind>();

  function say(level: Level, message: string): void {
    const wanted = `${level} ${message.replace(/\d+/g, '#').slice(0, 200)}`;
    const key = kinds.has(wanted) || kinds.size < MAX_KINDS ? wanted : 'others';
    let kind = kinds.get(key);
    if (kind && clock() - kind.sinceMs >= MINUTE_MS) {
      tellOf(kind);
      kind = undefined;
    }
    if (!kind) {
      kind = { level, sinceMs: clock(), said: 0, last: message };
      kinds.set(key, kind);
      const begun = kind;
      after(MINUTE_MS, () => {
        if (kinds.get(key) !== begun) return;
        tellOf(begun);
        kinds.delete(key);
      });
    }
    kind.last = message;
    if (++kind.said <= MAX_A_MINUTE) log[level](explained(message));
  }

  function tellOf({ level, said, last }: Kind): void {
    const more = said - MAX_A_MINUTE;
    if (more > 0) log[level](`${more} more like it within a minute, the last: ${explained(last)}`);
  }

  return {
    info: message => say('info', message),
    warn: message => say('warn', message),
    error: message => say('error', message),
  };
}

function explained(message: string): string {
  const anchor = logTopicOf(message);
  return anchor === undefined ? message : `${message} (see ${seeOf(anchor)})`;
}

/** Holds up no process that wants to end. */
function later(ms: number, what: () => void): void {
  setTimeout(what, ms).unref();
}
