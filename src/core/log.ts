/** Where words go: the Functions context, the console, or a test. Ids, shapes and types; never payloads. */
export interface Log {
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

/** Milliseconds since the epoch; an argument, so that tests never sleep. */
export type Clock = () => number;
