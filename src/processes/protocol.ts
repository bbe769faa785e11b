/** To a child: a request with the bytes by which it may grow, or that it is to end. */
export type Envelope = { readonly request: unknown; readonly growBytes?: number | undefined } | { readonly end: true };

/** From a child: one for every request, in order. */
export type Reply = { readonly given: unknown } | { readonly failed: string };

/** How a child that takes more memory than it may ends itself; nothing else sends this one. */
export const EXCEEDED_SIGNAL = 'SIGUSR2';

/** How a process ended, in words. */
export function ended(code: number | null, signal: NodeJS.Signals | null): string {
  if (signal === 'SIGKILL') return 'was killed (where nobody did it, the system was out of memory)';
  return signal ? `was ended by ${signal}` : `ended with status ${code}`;
}
