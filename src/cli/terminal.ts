import type { Readable, Writable } from 'node:stream';
import { styleText } from 'node:util';

/** What a command may touch of the world; handed in, so that tests run commands without a process. */
export interface Terminal {
  readonly stdin: Readable;
  readonly stdout: Writable;
  readonly stderr: Writable;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Where relative paths and local.settings.json are looked for. */
  readonly folder: string;
  /** Ctrl-C or SIGTERM. */
  readonly signal: AbortSignal;
  /** For a command that goes on to its end and still did not do all it was asked. */
  setExitCode(code: number): void;
}

type Format = Parameters<typeof styleText>[0];

/** Paints text where the stream shows colours (a terminal, and NO_COLOR is not set), else leaves it as it is. */
export type Paint = (format: Format, text: string) => string;

export function paintFor(stream: Writable): Paint {
  return (format, text) => styleText(format, text, { stream });
}

/** Columns of the terminal; as many as one likes where the stream is none. */
export function columnsOf(stream: Writable & { readonly isTTY?: boolean; readonly columns?: number }): number {
  return stream.isTTY === true ? (stream.columns ?? 80) : Number.POSITIVE_INFINITY;
}

/** A command's failure in words for the one who typed it: what happened, and what to try next. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly next: string;
  readonly exitCode: number = 1;

  constructor(message: string, next: string, options?: { cause?: unknown }) {
    super(message, options);
    this.next = next;
  }
}

/** What was asked for could be done and is refused: exit status 2, so that a script can tell it from storage that is away. */
export class Refusal extends CommandError {
  override readonly exitCode = 2;
}
