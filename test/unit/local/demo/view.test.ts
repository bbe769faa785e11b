import { describe, expect, it } from 'vitest';
import { type Seen, Statistics } from '../../../../src/local/demo/statistics.ts';
import { plainLine, renderView } from '../../../../src/local/demo/view.ts';

const START = Date.UTC(2026, 10, 21, 9);
const plain = (_: unknown, text: string) => text;

function someTraffic(): Statistics {
  const statistics = new Statistics(START);
  const versions = [
    ['churn', '1.0.0+a5ef3759'],
    ['diabetes', '1.1.0+84703ea8'],
  ];
  for (let i = 0; i < 200; i++) {
    const [model, version] = versions[i % 2] as [string, string];
    const ending: Seen = {
      kind: i % 50 === 49 ? 'dead-letter' : 'result',
      model,
      version,
      atMs: START + i * 10,
      latencyMs: i % 50 === 49 ? undefined : 10 + (i % 7),
      partition: String(i % 4),
      settledThrough: i,
      requestId: `req-${i}`,
      said: i % 50 === 49 ? 'schema_mismatch: tenure is "many\u001b[2J", and a number is expected 漢字' : 'Yes  82 %',
    };
    statistics.addSeen(ending);
    statistics.addSent(1, ending.atMs);
  }
  for (const partition of ['0', '1', '2', '3']) statistics.setLastEnqueued(partition, 200);
  return statistics;
}

describe('renderView', () => {
  it('fits any terminal', () => {
    const snapshot = someTraffic().snapshot(START + 2000);
    for (const columns of [60, 80, 100, 250]) {
      for (const rows of [8, 12, 24, 60]) {
        const lines = renderView(snapshot, { columns, rows }, plain);
        expect(lines.length).toBeLessThanOrEqual(rows);
        for (const line of lines) expect(line.length).toBeLessThanOrEqual(columns);
      }
    }
  });

  it('shows rates, latencies, shares, lag and the last endings at 80 columns', () => {
    const text = renderView(someTraffic().snapshot(START + 2000), { columns: 80, rows: 24 }, plain).join('\n');
    expect(text).toContain('100 requests/s in   100/s out');
    expect(text).toMatch(/churn 1\.0\.0\+a5ef3759 +50\.0 +100 +13 +16 +16 +0\.0 %/);
    expect(text).toMatch(/diabetes 1\.1\.0\+84703ea8 +50\.0 +96 +13 +16 +16 +4\.0 %/);
    expect(text).toMatch(/all +100\.0 +196 +13 +16 +16 +2\.0 %/);
    expect(text).toContain('lag by partition   0: 4   1: 3   2: 2   3: 1');
    expect(text).toMatch(/req-198 +churn 1\.0\.0\+a5ef3759 +Yes {2}82 % +12 ms/);
    expect(text).toMatch(/req-199 +schema_mismatch: tenure is/);
  });

  it('lets no payload move the cursor or the columns', () => {
    const text = renderView(someTraffic().snapshot(START + 2000), { columns: 250, rows: 40 }, plain).join('\n');
    expect(text).not.toContain('\u001b');
    expect(text).not.toContain('漢');
  });

  it('has something to show before anything came', () => {
    const text = renderView(new Statistics(START).snapshot(START), { columns: 80, rows: 24 }, plain).join('\n');
    expect(text).toContain('none yet');
    expect(text).not.toMatch(/NaN|undefined|Infinity/);
  });
});

describe('plainLine', () => {
  it('says it all in one line', () => {
    expect(plainLine(someTraffic().snapshot(START + 2000), '09:00:02')).toBe(
      '09:00:02  in 100/s  out 100/s  p50 13  p95 16  p99 16 ms  scored 196  dead letters 2.0 %  lag 10',
    );
    expect(plainLine(new Statistics(START).snapshot(START), '09:00:00')).toBe(
      '09:00:00  in 0/s  out 0/s  p50 –  p95 –  p99 – ms  scored 0  dead letters –  lag –',
    );
  });
});
