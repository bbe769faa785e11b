import { describe, expect, it } from 'vitest';
import { type Seen, Statistics } from '../../../../src/local/demo/statistics.ts';

const START = 1_700_000_000_000;

function seen(atMs: number, more: Partial<Seen> = {}): Seen {
  return {
    kind: 'result',
    model: 'churn',
    version: '1.0.0',
    atMs: START + atMs,
    latencyMs: 10,
    partition: '0',
    settledThrough: undefined,
    requestId: `r${atMs}`,
    said: 'No',
    ...more,
  };
}

describe('Statistics', () => {
  it('takes rates and percentiles over the last ten seconds, counts over all', () => {
    const statistics = new Statistics(START);
    for (let i = 0; i < 3000; i++) statistics.addSeen(seen(i * 10, { latencyMs: i < 2000 ? 999 : (i - 2000) / 10 }));
    const { all, rows } = statistics.snapshot(START + 30_000);
    expect(rows).toHaveLength(1);
    expect(all.scored).toBe(3000);
    expect(all.perSecond).toBeCloseTo(100, 0);
    expect(all.p50).toBeCloseTo(50, 0);
    expect(all.p95).toBeCloseTo(95, 0);
    expect(all.p99).toBeCloseTo(99, 0);
  });

  it('divides by the time that has passed while the start is nearer than the window', () => {
    const statistics = new Statistics(START);
    for (let i = 0; i < 400; i++) statistics.addSeen(seen(i * 5));
    statistics.addSent(400, START + 1000);
    const snapshot = statistics.snapshot(START + 2000);
    expect(snapshot.all.perSecond).toBe(200);
    expect(snapshot.sentPerSecond).toBe(200);
  });

  it('keeps versions apart, and what reached none in a row of its own', () => {
    const statistics = new Statistics(START);
    statistics.addSeen(seen(1, { version: '1.1.0' }));
    statistics.addSeen(seen(2, { version: '1.0.0' }));
    statistics.addSeen(seen(3, { kind: 'dead-letter', version: '1.0.0', latencyMs: undefined }));
    statistics.addSeen(seen(4, { kind: 'dead-letter', model: 'chrun', version: undefined, latencyMs: undefined }));
    const { rows, all } = statistics.snapshot(START + 1000);
    expect(rows.map(row => [row.model, row.version, row.scored, row.deadLetters])).toEqual([
      ['churn', '1.0.0', 1, 1],
      ['churn', '1.1.0', 1, 0],
      ['(no model reached)', '', 0, 1],
    ]);
    expect([all.scored, all.deadLetters]).toEqual([2, 2]);
  });

  it('tells how far each partition lags, once it can be known', () => {
    const statistics = new Statistics(START);
    for (const [partition, last] of Object.entries({ 10: 5, 2: 99, 1: -1, 0: 7 })) {
      statistics.setLastEnqueued(partition, last);
    }
    statistics.addSeen(seen(1, { partition: '2', settledThrough: 90 }));
    statistics.addSeen(seen(2, { partition: '2', settledThrough: 80 })); // a redelivery takes nothing back
    statistics.addSeen(seen(3, { partition: '0', settledThrough: 9 })); // settled since the last look
    expect(statistics.snapshot(START + 1000).lag).toEqual([
      { partition: '0', events: 0 },
      { partition: '1', events: 0 },
      { partition: '2', events: 9 },
      { partition: '10', events: undefined },
    ]);
  });

  it('shows the newest first and forgets the old', () => {
    const statistics = new Statistics(START);
    for (let i = 0; i < 100; i++) statistics.addSeen(seen(i));
    const { results, deadLetters } = statistics.snapshot(START + 200);
    expect(results[0]?.requestId).toBe('r99');
    expect(results).toHaveLength(20);
    expect(deadLetters).toEqual([]);
  });

  it('gives whole seconds as history', () => {
    const statistics = new Statistics(START);
    for (const atMs of [1100, 1200, 2100, 3100, 3200, 3300, 4000]) statistics.addSeen(seen(atMs));
    expect(statistics.snapshot(START + 4500).history).toEqual([2, 1, 3]);
  });
});
