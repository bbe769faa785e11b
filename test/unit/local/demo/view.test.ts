import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { type Seen, type Snapshot, Statistics } from '../../../../src/local/demo/statistics.ts';
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

function crowded(models: number, scored: number): Snapshot {
  const snapshot = someTraffic().snapshot(START + 2000);
  const rows = Array.from({ length: models }, (_, i) => ({
    ...snapshot.all,
    model: `model-${i}`,
    version: '1.0.0',
    perSecond: i,
    scored,
    p99: 1_234_567,
  }));
  return { ...snapshot, rows, all: { ...snapshot.all, scored: scored * models } };
}

describe('renderView', () => {
  it('fits any terminal', () => {
    const snapshot = someTraffic().snapshot(START + 2000);
    for (const columns of [20, 40, 60, 80, 100, 110, 140, 200, 400]) {
      for (const rows of [3, 8, 12, 24, 60]) {
        for (const of of [snapshot, crowded(40, 9_876_543)]) {
          const painted = renderView(of, { columns, rows }, (_, text) => `\u001b[1m${text}\u001b[22m`);
          const lines = painted.map(stripVTControlCharacters);
          expect(lines.length).toBeLessThanOrEqual(rows);
          for (const line of lines) expect(line.length).toBeLessThanOrEqual(columns);
          expect(lines.at(-1)).toContain('Ctrl-C ends all'.slice(0, columns - 4));
        }
      }
    }
  });

  it('uses the width there is, and shows the busiest models where not all have room', () => {
    const wide = renderView(someTraffic().snapshot(START + 2000), { columns: 200, rows: 24 }, plain);
    expect(Math.max(...wide.map(line => line.length))).toBeGreaterThanOrEqual(195);
    const few = renderView(crowded(40, 5), { columns: 80, rows: 24 }, plain);
    expect(few.filter(line => / model-\d+ 1\.0\.0/.test(line)).length).toBeGreaterThan(3);
    expect(few.join('\n')).toMatch(/model-39 1\.0\.0 .*\n … and \d+ more\n all /);
    expect(few.join('\n')).toContain('lag by partition');
  });

  it('rounds nothing that is there to nothing', () => {
    const snapshot = crowded(1, 5);
    const row = { ...snapshot.rows[0]!, p50: 0.02, p95: 0, p99: 4.23, scored: 99_999, deadLetters: 1 };
    const text = renderView({ ...snapshot, rows: [row] }, { columns: 100, rows: 24 }, plain).join('\n');
    expect(text).toMatch(/model-0 1\.0\.0 .* <0\.1 +0 +4\.2 +<0\.1 %/);
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
