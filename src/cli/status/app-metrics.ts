import { withDeadline } from '../../core/waiting.ts';

const ASK_MS = 5_000;
const STATES = ['closed', 'half-open', 'open'] as const;

export interface AppStatus {
  /** By target: `closed`, `half-open`, `open`. */
  readonly breakers: Readonly<Record<string, string>>;
  /** Sends that were told to come later since the app started. */
  readonly throttled: number;
}

/**
 * What one instance of the app says of itself at `GET /metrics`.
 * @param key function key, where the app asks for one
 * @throws Error that says why it cannot be had
 */
export async function askApp(url: string, key: string | undefined, signal: AbortSignal): Promise<AppStatus> {
  return withDeadline(ASK_MS, signal, async own => {
    const headers: Record<string, string> = key ? { 'x-functions-key': key } : {};
    const response = await fetch(new URL('/metrics', url), { headers, signal: own });
    if (!response.ok) throw new Error(`${response.status} ${response.statusText}`);
    return readMetrics(await response.text());
  });
}

/** @param text Prometheus text */
export function readMetrics(text: string): AppStatus {
  const breakers = Object.fromEntries(
    [...text.matchAll(/^hubscore_breaker_state\{target="([^"]+)"\} (\d)/gm)].map(([, target, state]) => [
      target,
      STATES[Number(state)] ?? 'unknown',
    ]),
  );
  const sends = [...text.matchAll(/^hubscore_throttled_total\{[^}]*\} (\d+)/gm)];
  return { breakers, throttled: sends.reduce((sum, [, count]) => sum + Number(count), 0) };
}
