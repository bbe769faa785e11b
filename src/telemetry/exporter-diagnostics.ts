import type { PipelinePolicy } from '@azure/core-rest-pipeline';
import type { DiagLogger } from '@opentelemetry/api';
import type { Clock, Log } from '../core/log.ts';

const MINUTE_MS = 60_000;
const MAX_LENGTH = 300;

/** Tells the app's log that exporting fails: exporters work in the background and throw nothing. One line a minute, since they fail every few seconds. */
export type SayFailure = (message: string, ...more: readonly unknown[]) => void;

export function createSayFailure(log: Log, clock: Clock): SayFailure {
  let saidMs = Number.NEGATIVE_INFINITY;
  let unsaid = 0;
  return (message, ...more) => {
    const nowMs = clock();
    if (nowMs - saidMs < MINUTE_MS) return void unsaid++;
    saidMs = nowMs;
    const words = [message, ...more].map(textOf).join(' ').slice(0, MAX_LENGTH);
    log.warn(
      `telemetry to Application Insights: ${unsaid > 0 ? `${words} (and ${unsaid} times since the last line)` : words}`,
    );
    unsaid = 0;
  };
}

/** What OpenTelemetry's parts say of themselves. */
export function exporterDiagnostics(say: SayFailure): DiagLogger {
  const nothing = () => {};
  return { error: say, warn: say, info: nothing, debug: nothing, verbose: nothing };
}

/** Says what the exporters keep to themselves: they take a refusal (no right to write, a key that is not there, the daily cap) for something to be sent later, and say nothing. */
export function watchAnswers(say: SayFailure): PipelinePolicy {
  return {
    name: 'hubscore-watch-answers',
    async sendRequest(request, next) {
      const { hostname } = new URL(request.url);
      const response = await next(request).catch(thrown => {
        say(`${hostname} cannot be reached:`, thrown);
        throw thrown;
      });
      if (response.status >= 400) say(`${hostname} answers ${response.status}: nothing is taken in`);
      return response;
    },
  };
}

function textOf(value: unknown): string {
  if (value instanceof Error) return value.message;
  return typeof value === 'string' ? messageIn(value) : (JSON.stringify(value) ?? String(value));
}

/** OpenTelemetry writes an error as JSON, its stack first. */
function messageIn(text: string): string {
  if (!text.startsWith('{')) return text;
  try {
    const { message } = JSON.parse(text) as { message?: unknown };
    return typeof message === 'string' ? message : text;
  } catch {
    return text;
  }
}
