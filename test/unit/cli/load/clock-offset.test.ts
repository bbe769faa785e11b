import { describe, expect, it } from 'vitest';
import { ClockComparison } from '../../../../src/cli/load/clock-offset.ts';

describe('clocks', () => {
  it('that can agree are taken to agree', () => {
    const clocks = new ClockComparison();
    clocks.add(1000.4, 1002, 1004.9);
    clocks.add(2000.9, 2000, 2001.2); // cut to whole milliseconds, so it looks as if it came before it went
    expect(clocks.offset.offsetMs).toBe(0);
  });

  it.each([-90_000, -40, 25, 3_600_000])('are told apart: %d ms', ahead => {
    const clocks = new ClockComparison();
    for (let i = 0; i < 50; i++) {
      const began = 1000 + 10 * i;
      const there = began + 2 + (i % 7);
      clocks.add(began, Math.floor(there + ahead), there + 3 + (i % 5));
    }
    const { offsetMs, uncertaintyMs } = clocks.offset;
    expect(Math.abs(offsetMs - ahead)).toBeLessThanOrEqual(uncertaintyMs as number);
    expect(uncertaintyMs).toBeLessThan(5);
  });

  it('that were never compared are not corrected', () => {
    expect(new ClockComparison().offset).toEqual({ offsetMs: 0, uncertaintyMs: null });
  });
});
