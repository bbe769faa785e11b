const SERVER_BUSY = 'com.microsoft:server-busy';
/** What .NET's clients wait where the service does not say. */
const USUAL_MS = 4_000;
const LONGEST_MS = 30_000;

/** How long the service asks to be left alone: where it is busy it says so in words alone, "Please wait 4 seconds and try again". */
export function retryAfterMs(condition: unknown, description: unknown): number | undefined {
  if (condition !== SERVER_BUSY) return undefined;
  const seconds = Number(/\bwait (\d{1,3}) seconds\b/.exec(String(description))?.[1]);
  return Number.isNaN(seconds) ? USUAL_MS : Math.min(seconds * 1000, LONGEST_MS);
}
