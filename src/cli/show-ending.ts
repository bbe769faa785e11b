import { duration } from './duration.ts';
import { jsonLine, printable } from './printable.ts';
import type { Paint } from './terminal.ts';

/** A result or dead letter as it came out of its hub. */
export interface Ending {
  readonly kind: 'result' | 'dead-letter';
  readonly partition: string;
  readonly enqueuedAt: Date;
  /** The body, parsed, with the digits of long numbers as text; the text itself where it is no JSON. */
  readonly body: unknown;
  /** The body as JSON on one line, as it came. */
  readonly json: string;
}

interface Row {
  readonly prediction?: unknown;
  readonly confidence?: number;
}

interface Result {
  readonly request_id?: string | number;
  readonly result_id?: string;
  readonly model?: string;
  readonly model_version?: string;
  readonly requested_version?: string;
  readonly fallback?: boolean;
  readonly degraded?: boolean;
  readonly cached?: boolean;
  readonly variant?: string;
  readonly prediction?: unknown;
  readonly confidence?: number;
  readonly predictions?: readonly (Row | null)[];
  readonly errors?: readonly { readonly code?: string }[];
  readonly latency_ms?: number;
  readonly error?: { readonly code?: string; readonly message?: string };
}

/** One line for people: when, who, what came out, how long it took. */
export function showEnding(ending: Ending, paint: Paint): string {
  const time = paint('dim', clockTime(ending.enqueuedAt));
  const body = ending.body as Result;
  if (typeof body !== 'object' || body === null) {
    return `${time}  ${paint('yellow', 'not ours')}  ${jsonLine(ending.body).slice(0, 100)}`;
  }
  const request = printable(String(body.request_id ?? body.result_id ?? '?'));
  const said = ending.kind === 'result' ? showResult(body, paint) : showDeadLetter(body, paint);
  return `${time}  ${request}  ${said}  ${paint('dim', `partition ${ending.partition}`)}`;
}

function showResult(result: Result, paint: Paint): string {
  const model = paint('cyan', printable([result.model, result.model_version].filter(Boolean).join(' ')));
  const predictions: readonly (Row | null)[] = result.predictions ?? [result];
  const answers = predictions.slice(0, 3).map(row => {
    if (row === null) return paint('red', 'none');
    const { prediction, confidence } = row;
    const sure = typeof confidence !== 'number' ? '' : ` ${Math.round(confidence * 100)} %`;
    return paint('green', `${shortly(prediction)}${sure}`);
  });
  if (predictions.length > 3) answers.push(`and ${predictions.length - 3} more`);
  const remarks = [
    result.fallback ? `instead of ${result.requested_version ?? 'what was asked'}` : undefined,
    result.variant ? `variant ${result.variant}` : undefined,
    result.degraded ? "the model's default" : undefined,
    result.cached ? 'from the cache' : undefined,
    result.errors ? `${result.errors.length} bad: ${tally(result.errors)}` : undefined,
  ].filter(remark => remark !== undefined);
  const aside = remarks.length > 0 ? paint('yellow', `  (${printable(remarks.join(', '))})`) : '';
  const took = typeof result.latency_ms !== 'number' ? '' : `  ${duration(result.latency_ms)}`;
  return `${model} → ${answers.join(', ')}${aside}${took}`;
}

function showDeadLetter(letter: Result, paint: Paint): string {
  const { code = 'unexpected', message = 'no message' } = letter.error ?? {};
  return `${letter.model ? `${paint('cyan', printable(String(letter.model)))} → ` : ''}${paint('red', printable(String(code)))}: ${printable(String(message))}`;
}

function tally(errors: readonly { readonly code?: string }[]): string {
  return [...new Set(errors.map(({ code }) => code ?? 'unexpected'))].join(', ');
}

function shortly(value: unknown): string {
  const text = printable(typeof value === 'string' ? value : (JSON.stringify(value) ?? 'nothing'));
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

function clockTime(date: Date): string {
  const two = (value: number) => String(value).padStart(2, '0');
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${String(date.getMilliseconds()).padStart(3, '0')}`;
}
