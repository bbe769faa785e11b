import { z } from 'zod';
import { firesWithinAMinute, isSchedule } from './schedule.ts';

/** What a setting takes, as its fault is told. Never zod's own words: they may hold what came, and that may be a secret. */
const takes = (what: string) => ({ error: `takes ${what}` });

export const text = (description: string) => z.string().min(1, takes('a text that is not empty')).describe(description);

export const optionalText = (description: string) =>
  z.preprocess(value => (value === '' ? undefined : value), z.string().optional()).describe(description);

export const whole = (description: string, minimum: number, fallback: number) =>
  wholeNumber(minimum).default(fallback).describe(description);

export const optionalWhole = (description: string, minimum: number) =>
  wholeNumber(minimum).optional().describe(description);

export const share = (description: string, fallback: number) => {
  const error = takes('a number above 0, at most 100');
  return digits(error)
    .pipe(z.coerce.number<string>(error).gt(0, error).max(100, error))
    .default(fallback)
    .describe(description);
};

export const number = (description: string, minimum: number, fallback: number) => {
  const error = takes(`a number, at least ${minimum}`);
  return digits(error).pipe(z.coerce.number<string>(error).min(minimum, error)).default(fallback).describe(description);
};

function wholeNumber(minimum: number) {
  const error = takes(`a whole number, at least ${minimum}`);
  return digits(error).pipe(z.coerce.number<string>(error).int(error).min(minimum, error));
}

/** Nothing is no number: coerced it would be 0, which turns some things off. */
const digits = (error: { readonly error: string }) => z.string(error).trim().min(1, error);

export const oneOf = <const T extends string>(description: string, values: readonly [T, ...T[]], fallback: T) =>
  z
    .enum(values, takes(values.map(value => `\`${value}\``).join(' or ')))
    .default(fallback as never)
    .describe(description);

export const flag = (description: string, fallback: boolean) =>
  z
    .preprocess(
      value => (typeof value === 'string' ? (SWITCH[value.toLowerCase()] ?? value) : value),
      z.boolean(takes('`true` or `false`')).default(fallback),
    )
    .describe(description);

const SWITCH: Record<string, boolean> = { true: true, '1': true, on: true, false: false, '0': false, off: false };

/** Names separated by commas, each once, in their order. */
export const list = (description: string, fallback: readonly string[]) =>
  separated(fallback)
    .pipe(z.array(z.string()).min(1, takes('names, by comma')))
    .describe(description);

/** The same; none is as good. */
export const listOrNone = (description: string) => separated([]).describe(description);

/** Secrets by name, as one JSON object of texts; none is as good. */
export const secrets = (description: string) =>
  z
    .string()
    .default('')
    .transform((value, context): Readonly<Record<string, string>> => {
      try {
        return z.record(z.string(), z.string()).parse(JSON.parse(value.trim() === '' ? '{}' : value));
      } catch {
        context.addIssue({ code: 'custom', message: takes('a JSON object of texts, `{"name": "token"}`').error });
        return z.NEVER;
      }
    })
    .describe(description);

/** The same of names that are known. */
export const listOf = <const T extends string>(description: string, known: readonly T[], fallback: readonly T[]) => {
  const error = takes(`by comma, any of ${known.join(', ')}`);
  return separated(fallback)
    .pipe(z.array(z.enum(known, error)).min(1, error))
    .describe(description);
};

const separated = (fallback: readonly string[]) => z.string().default(fallback.join()).transform(splitByComma);

/** The parts of a text between commas, trimmed; blank ones and repetitions are left out. */
export function splitByComma(text: string): string[] {
  const parts = text.split(',').map(part => part.trim());
  return [...new Set(parts)].filter(part => part !== '');
}

/** What needs to know when it ran last. */
const ONCE_A_MINUTE = takes(
  'a schedule of one firing a minute at most: with more the host does not say when the last one was',
);
const SCHEDULE = takes('a schedule of six NCRONTAB fields, such as `0 */5 * * * *`');

export const schedule = (description: string, fallback: string) =>
  z.string().refine(isSchedule, SCHEDULE).default(fallback).describe(description);

export const optionalSchedule = (description: string) =>
  z
    .preprocess(
      value => (value === '' ? undefined : value),
      z
        .string()
        .refine(isSchedule, SCHEDULE)
        .refine(value => !isSchedule(value) || !firesWithinAMinute(value), ONCE_A_MINUTE)
        .optional(),
    )
    .describe(description);

export const timeZone = (description: string, fallback: string) =>
  z
    .string()
    .refine(isTimeZone, takes('an IANA time zone, such as `Europe/Berlin`'))
    .default(fallback)
    .describe(description);

function isTimeZone(name: string): boolean {
  try {
    return Boolean(new Intl.DateTimeFormat('en', { timeZone: name }));
  } catch {
    return false;
  }
}
