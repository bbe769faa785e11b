let second = Number.NaN;
let prefix = '';

/** ISO 8601 in UTC with milliseconds. Events of a batch mostly share their second, so it is formatted once. */
export function isoTime(timeMs: number): string {
  const whole = Math.floor(timeMs / 1000);
  if (whole !== second) {
    prefix = new Date(whole * 1000).toISOString().slice(0, 20);
    second = whole;
  }
  return `${prefix}${String(Math.floor(timeMs - whole * 1000)).padStart(3, '0')}Z`;
}

/** Milliseconds from enqueued to ended, to a tenth. Clocks differ: what ended before it was enqueued took no time. */
export function latencyOf(endedAtMs: number, enqueuedAtMs: number): number {
  return Math.max(0, Math.round((endedAtMs - enqueuedAtMs) * 10) / 10);
}
