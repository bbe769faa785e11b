import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { type LoadSnapshot, plainLine, renderLoad } from '../../../../src/cli/load/live-view.ts';
import { RecentSeconds } from '../../../../src/cli/load/recent-seconds.ts';

const SNAPSHOT: LoadSnapshot = {
  title: 'diabetes → inference-requests at some-long-namespace.servicebus.windows.net, 1,000/s for 60 s',
  state: 'sending',
  elapsedMs: 65_400,
  askedPerSecond: 1000,
  sent: 65_000,
  sentPerSecond: Array(60).fill(1000),
  results: 64_000,
  resultsPerSecond: [0, 500, 990],
  deadLetters: 12,
  waiting: 988,
  notSent: 0,
  lag: undefined,
  p50: 4.21,
  p95: 33.4,
  p99: 1234,
};

describe('live view', () => {
  it.each([20, 40, 60, 80, 100, 140, 200, 250])('fits %d columns', columns => {
    const painted = renderLoad(SNAPSHOT, columns, (_, text) => `\x1b[1m${text}\x1b[22m`);
    const lines = painted.map(stripVTControlCharacters);
    for (const line of lines) expect(line.length).toBeLessThan(columns);
    expect(lines).toHaveLength(8); // redrawn in place, so always as many
    expect(renderLoad({ ...SNAPSHOT, state: 'done' }, columns, (_, text) => text)).toHaveLength(8);
  });

  it('uses the width there is', () => {
    const lines = renderLoad({ ...SNAPSHOT, sentPerSecond: Array(240).fill(5) }, 200, (_, text) => text);
    expect(Math.max(...lines.map(line => line.length))).toBe(199);
    expect(renderLoad({ ...SNAPSHOT, p50: 0.004 }, 80, (_, text) => text).join()).toContain('p50 <0.1');
  });

  it('says the same in one line', () => {
    expect(plainLine(SNAPSHOT)).toBe(
      '00:01:05  sent 65,000 (1,000/s)  results 64,000 (990/s)  p50 4.2  p95 33  p99 1,234 ms  dead letters 12  waiting 988',
    );
    // A timer of a second fires up to a millisecond early: the first line is of second 1 all the same.
    expect(plainLine({ ...SNAPSHOT, elapsedMs: 999.2 })).toMatch(/^00:00:01 /);
    expect(plainLine({ ...SNAPSHOT, notSent: 3 })).toMatch(/waiting 988 {2}not sent 3$/);
  });
});

describe('recent seconds', () => {
  it('are differences, as many as are shown, with latencies of the last five', () => {
    const recent = new RecentSeconds(3);
    for (let second = 1; second <= 6; second++) {
      recent.addLatency(second);
      recent.turn({ sent: second * 10, results: second * second });
    }
    expect(recent.sent).toEqual([10, 10, 10]);
    expect(recent.results).toEqual([7, 9, 11]);
    expect(recent.latencies().count).toBe(4); // of seconds 3 to 6; the fifth has just begun
    expect(recent.latencies().percentile(0)).toBe(3);
  });
});
