import { inspect } from 'node:util';
import type { LogLevel } from './rpc.ts';

const LEVELS: readonly LogLevel[] = ['trace', 'debug', 'information', 'warning', 'error', 'critical', 'none'];

/** One line to standard output (up to information) or standard error. `category` is `Host.…` or `Function.<name>[.User]`. */
export type HostLog = (level: LogLevel, category: string, message: string) => void;

/**
 * Writes `time level category: message`, as far as host.json's `logging.logLevel` lets it: the longest category that
 * a line's category starts with decides, `default` otherwise.
 */
export function createLog(
  levels: Readonly<Record<string, string>>,
  write: (line: string, error: boolean) => void,
  clock: () => number,
): HostLog {
  const prefixes = Object.entries(levels).map(([prefix, level]) => ({
    prefix: prefix.toLowerCase() === 'default' ? '' : prefix,
    least: Math.max(LEVELS.indexOf(level.toLowerCase() as LogLevel), 0),
  }));
  prefixes.sort((a, b) => b.prefix.length - a.prefix.length);
  const leastOf = new Map<string, number>();
  const least = (category: string) => {
    let level = leastOf.get(category);
    if (level === undefined) {
      const match = prefixes.find(({ prefix }) => `${category}.`.startsWith(prefix && `${prefix}.`));
      level = match?.least ?? LEVELS.indexOf('information');
      leastOf.set(category, level);
    }
    return level;
  };
  return (level, category, message) => {
    const rank = LEVELS.indexOf(level);
    if (rank < least(category)) return;
    write(`${new Date(clock()).toISOString()} ${level} ${category}: ${message}\n`, rank >= LEVELS.indexOf('warning'));
  };
}

/** Why something failed, with its stack and causes where it has them. */
export function describeError(thrown: unknown): string {
  return thrown instanceof Error ? inspect(thrown) : String(thrown);
}

/** The message alone, with those of its causes. */
export function messageOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return wordsOf(thrown);
  return thrown.cause === undefined ? thrown.message : `${thrown.message}: ${messageOf(thrown.cause)}`;
}

/** AMQP refusals are objects with a condition and a description. */
function wordsOf(thrown: unknown): string {
  if (typeof thrown !== 'object' || thrown === null) return String(thrown);
  const { message, description, condition } = thrown as Readonly<Record<string, unknown>>;
  const words = [condition, description ?? message].filter(text => typeof text === 'string' && text !== '');
  return words.length > 0 ? words.join(': ') : JSON.stringify(thrown);
}
