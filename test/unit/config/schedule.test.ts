import { describe, expect, it } from 'vitest';
import { firesWithinAMinute, isSchedule } from '../../../src/config/schedule.ts';

describe('a schedule', () => {
  it.each([
    '0 */5 * * * *',
    '* * * * * *',
    '*/5 * * * *', // without seconds
    '  0  0 2  * * *  ',
    '0,30 0-10/2 9-17 1,15 JAN-mar Mon-Fri',
    '0 0 0 31 December sun',
    '0 0 0 1 1 6',
    '0 59-0 * * * *', // falls: NCrontab turns it round
    '5/10 * * * * *',
    '00:05:00',
    '1.00:00:00',
    '0:30',
    '23:59:59.5',
  ])('may be "%s"', text => {
    expect(isSchedule(text)).toBe(true);
  });

  it.each([
    '',
    'often',
    '5 minutes',
    '* * * *',
    '* * * * * * *',
    '60 * * * * *',
    '* * 24 * * *',
    '* * * 0 * *',
    '* * * 32 * *',
    '* * * * 13 *',
    '* * * * * 7',
    '* * * * MON *',
    '* * * * * JAN',
    '*/x * * * * *',
    '*/5/5 * * * * *',
    '1-2-3 * * * * *',
    '1, * * * * *',
    '- * * * * *',
    '? * * * * *',
    '0 0 L * * *',
    '0\t*/5 * * * *', // only blanks divide
    '24:00:00',
    '00:60:00',
    '00:00:00', // without a pause
    '-00:05:00',
    '%SCHEDULE%',
  ])('is not "%s"', text => {
    expect(isSchedule(text)).toBe(false);
  });
});

describe('a schedule with several firings a minute', () => {
  it.each([
    '* * * * * *',
    '*/30 * * * * *',
    '0,30 5 * * * *',
    '1-2 * * * * *',
    '5/20 * * * * *',
    '00:00:59',
    '0:00:01.5',
  ])('is "%s"', text => {
    expect([isSchedule(text), firesWithinAMinute(text)]).toEqual([true, true]);
  });
  it.each(['0 * * * * *', '*/5 * * * *', '* * * * *', '59 */2 * * * *', '00:01:00', '1.00:00:00', '30/60 * * * * *'])(
    'is not "%s"',
    text => {
      expect([isSchedule(text), firesWithinAMinute(text)]).toEqual([true, false]);
    },
  );
});
