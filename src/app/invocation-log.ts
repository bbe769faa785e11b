import { AsyncLocalStorage } from 'node:async_hooks';
import type { Log } from '../core/log.ts';

/** What the app uses of the context that a function is called with. */
export interface Invocation {
  warn(message: string): void;
  error(message: string): void;
  readonly traceContext?: { readonly traceParent?: string | undefined } | undefined;
}

/** Emptied at the end: what was begun in an invocation and outlives it must not log by its context. */
const running = new AsyncLocalStorage<{ context: Invocation | undefined }>();

/** Calls what logs by this context as long as the function runs. */
export async function inInvocation<T>(context: Invocation | undefined, work: () => Promise<T>): Promise<T> {
  if (context === undefined) return work();
  const held: { context: Invocation | undefined } = { context };
  try {
    return await running.run(held, work);
  } finally {
    held.context = undefined;
  }
}

/**
 * Warnings and errors of an invocation go by its context, which keeps their level and says whose they are. Outside of one the Functions host takes
 * the console for its log, and tells the level of a line by the words in it: by `warn`, else by `error` or `fail`. So the level comes first, or
 * a warning of something that failed would be an error. What is no more than information goes by the console in any case: host.json lets no such
 * line of a function through.
 */
export const hostLog: Log = {
  info: message => console.info(message),
  warn(message) {
    const context = running.getStore()?.context;
    if (context) context.warn(message);
    else console.warn(`warning: ${message}`);
  },
  error(message) {
    const context = running.getStore()?.context;
    if (context) context.error(message);
    else console.error(`error: ${message}`);
  },
};
