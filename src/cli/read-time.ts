import { InvalidArgumentError } from 'commander';

const AGE_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** A time (2026-11-21T09:00Z) or an age (30s, 10m, 2h, 1d). @throws InvalidArgumentError */
export function readTime(text: string): Date {
  const age = /^(\d+)([smhd])$/.exec(text);
  if (age) return new Date(Date.now() - Number(age[1]) * (AGE_MS[age[2] as string] as number));
  const time = new Date(text);
  if (/^\d{4}-/.test(text) && !Number.isNaN(time.getTime())) return time;
  throw new InvalidArgumentError('a time such as 2026-11-21T09:00Z, or an age such as 10m, is needed');
}
