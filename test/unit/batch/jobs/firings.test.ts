import { describe, expect, it } from 'vitest';
import { firings } from '../../../../src/batch/jobs/firings.ts';
import { daysFrom, ofDay } from '../../../../src/batch/jobs/schedule.ts';

const at = (time: string) => Date.parse(time);
const NIGHTLY = '0 0 2 * * *';

describe('a schedule in a zone', () => {
  it('fires by the zone’s clock, once, and gives the zone’s day', () => {
    // Tokyo is nine hours ahead: its night of the 21st begins on the 20th in UTC.
    expect(firings(NIGHTLY, 'Asia/Tokyo', at('2026-11-20T16:59:00Z'), at('2026-11-20T17:00:00Z'))).toEqual([
      '2026-11-21',
    ]);
    expect(firings(NIGHTLY, 'Asia/Tokyo', at('2026-11-20T17:00:00Z'), at('2026-11-20T17:01:00Z'))).toEqual([]);
    expect(firings(NIGHTLY, 'UTC', at('2026-11-20T01:59:30Z'), at('2026-11-20T02:00:05Z'))).toEqual(['2026-11-20']);
  });

  it('fires on days of 23 and of 25 hours, too', () => {
    // Berlin goes from 02:00 to 03:00 on 2026-03-29, and from 03:00 back to 02:00 on 2026-10-25.
    const day = (from: string, to: string) => firings('0 30 2 * * *', 'Europe/Berlin', at(from), at(to));
    expect(day('2026-03-28T23:30:00Z', '2026-03-29T20:00:00Z')).toEqual(['2026-03-29']);
    expect(day('2026-03-29T00:59:00Z', '2026-03-29T01:00:00Z')).toEqual(['2026-03-29']);
    expect(day('2026-10-24T23:30:00Z', '2026-10-25T20:00:00Z')).toEqual(['2026-10-25']);
    expect(day('2026-10-25T00:29:00Z', '2026-10-25T00:30:00Z')).toEqual(['2026-10-25']);
  });

  it('makes up for what was missed, a day at most', () => {
    expect(firings(NIGHTLY, 'UTC', at('2026-11-20T01:00:00Z'), at('2026-11-20T09:00:00Z'))).toEqual(['2026-11-20']);
    expect(firings(NIGHTLY, 'UTC', at('2026-11-01T00:00:00Z'), at('2026-11-20T09:00:00Z'))).toEqual(['2026-11-20']);
  });

  it('reads lists, ranges, steps and names', () => {
    const fires = (schedule: string, time: string) =>
      firings(schedule, 'UTC', at(time) - 60_000, at(time)).length === 1;
    expect(fires('0 */15 * * * *', '2026-11-20T09:45:00Z')).toBe(true);
    expect(fires('0 */15 * * * *', '2026-11-20T09:46:00Z')).toBe(false);
    expect(fires('0 0 1-3,9 * * Mon-Fri', '2026-11-20T09:00:00Z')).toBe(true); // a Friday
    expect(fires('0 0 1-3,9 * * Mon-Fri', '2026-11-21T09:00:00Z')).toBe(false);
    expect(fires('0 9 * Nov *', '2026-11-20T09:00:00Z')).toBe(true);
    expect(fires('0 9 * Dec *', '2026-11-20T09:00:00Z')).toBe(false);
    expect(fires('06:00', '2026-11-20T12:00:00Z')).toBe(true);
    expect(fires('06:00', '2026-11-20T13:00:00Z')).toBe(false);
  });
});

describe('days', () => {
  it('are filled from one to another, across months', () => {
    expect(daysFrom('2026-02-27', '2026-03-01')).toEqual(['2026-02-27', '2026-02-28', '2026-03-01']);
    expect(() => daysFrom('2026-03-01', '2026-02-27')).toThrow('no day lies between');
    expect(() => daysFrom('someday', 'someday')).toThrow('no day');
  });

  it('make a job’s name, so that a template gives one job a day', () => {
    expect(ofDay('nightly', { model: 'churn' }, '2026-11-20')).toEqual({
      model: 'churn',
      id: 'nightly-2026-11-20',
      date: '2026-11-20',
    });
  });
});
