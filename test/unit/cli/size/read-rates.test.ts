import { describe, expect, it } from 'vitest';
import { readCounts, readCurve } from '../../../../src/cli/size/read-rates.ts';

describe('a day’s curve', () => {
  it('is stretches of equal length', () => {
    const hours = Array.from({ length: 24 }, (_, hour) => 10 * hour);
    expect(readCurve(hours.join(','))).toEqual({ rates: hours, stretchSeconds: 3600 });
    expect(readCurve('1,2').stretchSeconds).toBe(43_200);
  });
  it('with gaps, or that does not divide a day, is refused in words', () => {
    expect(() => readCurve('1,2,,4')).toThrow('the curve has gaps: figure 3 of 4 is missing');
    expect(() => readCurve('1,2,3,4,5,6,7')).toThrow('the curve has 7 figures, which do not divide a day evenly');
    expect(() => readCurve('1,-2')).toThrow('the curve: -2 is no count');
    expect(() => readCurve('0,0')).toThrow('nothing ever comes: all rates are 0');
  });
});

describe('counts a minute', () => {
  it('are read with and without a head, by time or number', () => {
    const expected = { rates: [1, 2], stretchSeconds: 60 };
    expect(readCounts('minute,count\n2026-11-28T09:59,60\n2026-11-28T10:00,120\n', 'c.csv')).toEqual(expected);
    expect(readCounts('2026-11-28 23:59:00Z,60\r\n2026-11-29 00:00:00Z,120', 'c.csv')).toEqual(expected);
    expect(readCounts('09:59,60\n10:00,120', 'c.csv')).toEqual(expected);
    expect(readCounts('0,60\n1,120', 'c.csv')).toEqual(expected);
  });
  it('with gaps say which minutes are missing, and where', () => {
    expect(() => readCounts('09:00,1\n09:01,1\n09:05,1', 'c.csv')).toThrow(
      'c.csv has gaps: 3 minutes are missing between 09:01 and 09:05 (line 3)',
    );
  });
  it('out of order, or none, are refused', () => {
    expect(() => readCounts('5,1\n4,1', 'c.csv')).toThrow('c.csv, line 2: 4 does not come after 5');
    expect(() => readCounts('minute,count\n', 'c.csv')).toThrow('c.csv has no counts');
    expect(() => readCounts('1,many', 'c.csv')).toThrow('c.csv, line 1: many is no count');
    expect(() => readCounts('1,1,1', 'c.csv')).toThrow('c.csv, line 1: 1,1,1 is no minute and count');
  });
});
