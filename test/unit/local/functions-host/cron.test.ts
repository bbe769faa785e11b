import { describe, expect, it } from 'vitest';
import { parseSchedule } from '../../../../src/local/functions-host/cron.ts';
import { parseTimeSpan } from '../../../../src/local/functions-host/time-span.ts';

const next = (schedule: string, after: string) => new Date(parseSchedule(schedule)(Date.parse(after))).toISOString();

describe('parseSchedule', () => {
  it.each([
    ['*/15 * * * * *', '2026-11-21T12:00:14.900Z', '2026-11-21T12:00:15.000Z'],
    ['*/15 * * * * *', '2026-11-21T12:00:15.000Z', '2026-11-21T12:00:30.000Z'],
    ['0 */5 * * * *', '2026-11-21T12:55:00.000Z', '2026-11-21T13:00:00.000Z'],
    ['0 0 0 1 1 *', '2026-11-21T12:00:00.000Z', '2027-01-01T00:00:00.000Z'],
    ['0 30 9-17 * * MON-FRI', '2026-11-20T17:30:00.000Z', '2026-11-23T09:30:00.000Z'], // Friday evening to Monday
    ['0 0 0 29 2 *', '2026-11-21T12:00:00.000Z', '2028-02-29T00:00:00.000Z'],
    ['0 0 6 13 * FRI', '2026-11-21T00:00:00.000Z', '2027-08-13T06:00:00.000Z'], // day and day of week both
    ['5,10 1 2 3 apr *', '2026-11-21T00:00:00.000Z', '2027-04-03T02:01:05.000Z'],
    ['10/20 * * * * *', '2026-11-21T12:00:31.000Z', '2026-11-21T12:00:50.000Z'],
    ['*/30 * * * *', '2026-11-21T12:01:00.000Z', '2026-11-21T12:30:00.000Z'], // five fields: no seconds
    ['00:00:30', '2026-11-21T12:00:31.000Z', '2026-11-21T12:01:00.000Z'],
    ['1.00:00:00', '2026-11-21T12:00:31.000Z', '2026-11-22T00:00:00.000Z'],
  ])('%s after %s is %s', (schedule, after, due) => {
    expect(next(schedule, after)).toBe(due);
  });

  it.each([
    ['* * * *', /neither six NCRONTAB fields .* nor a time span/],
    ['60 * * * * *', /"60" is no second \(0 to 59\)/],
    ['0 0 0 * * MOO', /"MOO" is no day of week/],
    ['0 5-1 * * * *', /"5-1" is no minute/],
    ['0 */0 * * * *', /"\*\/0" is no minute/],
    ['00:00:00', /longer than nothing/],
  ])('refuses %s', (schedule, reason) => {
    expect(() => parseSchedule(schedule)).toThrow(reason);
  });

  it('says that a day never comes', () => {
    expect(() => next('0 0 0 31 2 *', '2026-11-21T00:00:00Z')).toThrow(/never fires/);
  });
});

describe('parseTimeSpan', () => {
  it.each([
    ['00:05:00', 300_000],
    ['02:30', 9_000_000],
    ['1.02:00:00.5', 93_600_500],
    ['-00:00:01', -1000],
    ['-1', Number.POSITIVE_INFINITY],
    ['24:00:00', undefined],
    ['five minutes', undefined],
  ])('%s is %s ms', (text, milliseconds) => {
    expect(parseTimeSpan(text)).toBe(milliseconds);
  });
});
