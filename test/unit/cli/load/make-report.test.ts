import { describe, expect, it } from 'vitest';
import { drawChart, niceTicks } from '../../../../src/cli/load/chart.ts';
import { makeReport, type ReportInput } from '../../../../src/cli/load/make-report.ts';
import { chartsOf } from '../../../../src/cli/load/report-charts.ts';
import { renderPage } from '../../../../src/cli/load/report-page.ts';
import { remarks, showReport } from '../../../../src/cli/load/show-report.ts';
import { type SeenEnding, Tally } from '../../../../src/cli/load/tally.ts';

const START = Date.parse('2026-11-21T09:00:00Z');
const settings = {
  namespace: 'localhost',
  requestsHub: 'in',
  resultsHub: 'out',
  deadLetterHub: 'dead',
  partitions: 4,
  pace: '100/s for 10 s',
  openLoop: true,
  workers: 16,
  model: '<b>"iris"</b>',
  payload: 'cases.jsonl (5 cases)',
  keys: 'none',
  machine: { cpu: 'a CPU', cores: 2, node: 'v24' },
  version: '0.1.0',
};

const endingOf = (tally: Tally, n: number, atMs: number, part: Partial<SeenEnding> = {}): SeenEnding => ({
  kind: 'result',
  requestId: tally.idOf(n),
  requestEnqueuedMs: atMs - 5,
  endingEnqueuedMs: atMs,
  code: undefined,
  cached: false,
  ...part,
});

/** 1,000 requests in 10 s: number 100 on stalls 2 s in the sender, every 50th is refused, the last 3 get no ending. */
function exampleRun(serviceAheadMs = 0): ReportInput {
  const tally = new Tally('run');
  for (let n = 0; n < 1000; n++) {
    const intended = START + 10 * n;
    const began = n >= 100 && n < 300 ? START + 3000 : intended + 1;
    tally.begin(n, intended, began);
    tally.confirm(n, began + 4);
    if (n >= 997) continue;
    const refused = n % 50 === 0;
    tally.end(
      endingOf(tally, n, began + 7 + serviceAheadMs, refused ? { kind: 'dead-letter', code: 'schema_mismatch' } : {}),
    );
  }
  return {
    settings,
    tally,
    startedMs: START,
    sentMs: START + 10_000,
    interrupted: false,
    lagSamples: [{ atMs: START + 2500, lag: 17 }],
    lagAfterSending: 4,
    lagAtEnd: new Map([
      ['0', 0],
      ['1', 3],
    ]),
  };
}

describe('tally', () => {
  it('counts every ending once, and none of other runs', () => {
    const tally = new Tally('a');
    for (let n = 0; n < 3; n++) tally.begin(n, START, START);
    tally.confirm(0, START);
    expect(tally.waiting).toBe(1);
    expect(tally.end(endingOf(tally, 0, START))).toBe(0);
    expect(tally.end(endingOf(tally, 0, START))).toBeUndefined();
    expect(tally.end(endingOf(tally, 1, START))).toBe(1); // quicker than its confirmation
    tally.confirm(1, START);
    for (const requestId of ['load-b-2', 'load-a-3', 'load-a-x', 7, undefined]) {
      expect(tally.end({ ...endingOf(tally, 2, START), requestId })).toBeUndefined();
    }
    expect(tally).toMatchObject({ sent: 2, results: 2, waiting: 0, repeats: 1 });
  });

  it('takes what was not confirmed for sent, once it is answered', () => {
    const tally = new Tally('a');
    tally.begin(0, START, START);
    tally.begin(1, START, START);
    tally.fail(0, 'timed out');
    tally.fail(1, 'timed out');
    expect(tally).toMatchObject({ notSent: 2, waiting: 0 });
    tally.end(endingOf(tally, 0, START));
    expect(tally).toMatchObject({ notSent: 1, results: 1, waiting: 0 });
    expect(tally.sendFailures).toEqual(new Map([['timed out', 2]]));
  });
});

describe('report', () => {
  it('shows a stall of the sender in the latency from intended times, and only there', () => {
    const { latencyMs, requests, deadLetterCodes, perSecond } = makeReport(exampleRun());
    expect(latencyMs.enqueuedToEnqueued).toMatchObject({ p50: 5, p99: 5, max: 5, count: 977 });
    expect(latencyMs.intendedToResult.p50).toBe(8);
    expect(latencyMs.intendedToResult.p95).toBeGreaterThan(1500);
    expect(latencyMs.sendDelay.p50).toBe(1);
    expect(latencyMs.sendDelay.max).toBeCloseTo(2000, -1);
    expect(requests).toMatchObject({ begun: 1000, sent: 1000, results: 977, deadLetters: 20, missing: 3 });
    expect(deadLetterCodes).toEqual({ schema_mismatch: 20 });
    expect(perSecond.sent).toBeCloseTo(100, 5);
    expect(perSecond.results).toBeCloseTo(97.7, 0);
  });

  it('puts requests where they were meant, results where they came', () => {
    const { timeline, binSeconds } = makeReport(exampleRun());
    expect(binSeconds).toBe(1);
    expect(timeline).toHaveLength(10);
    expect(timeline.map(({ asked }) => asked)).toEqual(Array(10).fill(100));
    expect(timeline.map(({ sent }) => sent)).toEqual([100, 0, 0, 300, 100, 100, 100, 100, 100, 100]);
    expect(timeline[1]).toMatchObject({ results: 0, lag: null, p50: expect.closeTo(1500, -2) });
    expect(timeline[2]?.lag).toBe(17);
    expect(timeline[3]?.results).toBe(294);
  });

  it('takes a clock that is off out of it', () => {
    const straight = makeReport(exampleRun()).latencyMs;
    const { clock, latencyMs, timeline } = makeReport(exampleRun(60_000));
    expect(clock.offsetMs).toBeCloseTo(60_000, -1);
    expect(Math.abs(latencyMs.intendedToResult.p50 - straight.intendedToResult.p50)).toBeLessThanOrEqual(
      clock.uncertaintyMs as number,
    );
    expect(latencyMs.enqueuedToEnqueued).toEqual(straight.enqueuedToEnqueued);
    expect(timeline).toHaveLength(10);
  });

  it('takes longer slices of longer runs', () => {
    const tally = new Tally('long');
    for (let n = 0; n < 7200; n++) {
      tally.begin(n, START + 1000 * n, START + 1000 * n);
      tally.confirm(n, START + 1000 * n + 1);
    }
    const { timeline, binSeconds } = makeReport({ ...exampleRun(), tally, sentMs: START + 7_200_000 });
    expect(binSeconds).toBe(30);
    expect(timeline).toHaveLength(240);
    expect(timeline.every(({ asked, p99 }) => asked === 1 && p99 === null)).toBe(true);
  });

  it('reads well in the terminal', () => {
    const text = showReport(makeReport(exampleRun()), (_, words) => words, 200).join('\n');
    expect(text).toMatch(/dead letters 20: schema_mismatch 20/);
    expect(text).toMatch(/missing {6}3 without a result/);
    expect(text).toMatch(/enqueued → enqueued +5\.0 +5\.0/);
    expect(text).toMatch(/lag at end {3}1: 3/);
    expect(remarks(makeReport(exampleRun())).join()).toMatch(/went out late.*look better than it was/);
  });

  it('of nothing is no division by zero', () => {
    const report = makeReport({ ...exampleRun(), tally: new Tally('none'), sentMs: START, lagAtEnd: new Map() });
    expect(renderPage(report)).not.toMatch(/NaN|Infinity|undefined/);
    expect(showReport(report, (_, words) => words, 40).join('\n')).not.toMatch(/NaN|Infinity|undefined/);
  });
});

describe('page', () => {
  const page = renderPage(makeReport(exampleRun()));

  it('needs nothing from elsewhere and runs nothing', () => {
    expect(page).not.toMatch(/https?:|<script|<link|@import|url\(/);
  });

  it('is sound markup, whatever the model is called', () => {
    expect(page).toContain('&#60;b&#62;&#34;iris&#34;&#60;/b&#62;');
    for (const tag of ['svg', 'g', 'table', 'section', 'figure', 'div', 'tr']) {
      const opened = page.match(new RegExp(`<${tag}[ >]`, 'g'))?.length ?? 0;
      expect(page.match(new RegExp(`</${tag}>`, 'g'))?.length ?? 0, tag).toBe(opened);
    }
    expect(page).not.toMatch(/NaN|undefined/);
  });

  it('draws its curves inside their frames', () => {
    for (const chart of chartsOf(makeReport(exampleRun()))) {
      const drawn = drawChart(chart);
      expect(drawn.match(/<path/g)).toHaveLength(chart.series.length);
      for (const [, x, y] of drawn.matchAll(/[ML](-?[\d.]+) (-?[\d.]+)/g)) {
        expect(Number(x)).toBeGreaterThanOrEqual(58);
        expect(Number(x)).toBeLessThanOrEqual(548);
        expect(Number(y)).toBeGreaterThanOrEqual(54);
        expect(Number(y)).toBeLessThanOrEqual(228);
      }
    }
  });

  it('has axes of round numbers', () => {
    expect(niceTicks(1)).toEqual([0, 0.2, 0.4, 0.6, 0.8, 1]);
    expect(niceTicks(430)).toEqual([0, 100, 200, 300, 400, 500]);
    expect(niceTicks(5001)).toEqual([0, 2000, 4000, 6000]);
    expect(niceTicks(30)).toEqual([0, 10, 20, 30]);
  });
});

describe('a sender that is late', () => {
  /** 100 requests a second for 10 s, which all began 4 s late. */
  const late = (confirmedAfterMs: number, part: Partial<ReportInput> = {}) => {
    const tally = new Tally('late');
    for (let n = 0; n < 1000; n++) {
      tally.begin(n, START + 10 * n, START + 10 * n + 4_000);
      tally.confirm(n, START + 10 * n + 4_000 + (n === 500 ? confirmedAfterMs : 3));
      tally.end(endingOf(tally, n, START + 10 * n + 4_010));
    }
    return makeReport({ ...exampleRun(), tally, sentMs: START + 36_000, ...part });
  };

  it('is the limit itself where sends were confirmed at once', () => {
    expect(remarks(late(3)).join()).toContain('this sender is the limit');
  });

  it('is not where the endpoint stood still', () => {
    const said = remarks(late(4_000)).join();
    expect(said).toMatch(/sends were not confirmed for up to .* ms, so the hub or the way to it is the limit/);
    expect(said).not.toContain('this sender is the limit');
  });

  it('has missed its rate, which is said', () => {
    const report = late(3, { scheduledEndMs: START + 10_000 });
    expect(report.perSecond.missed).toBe(100);
    expect(remarks(report)).toContain('100 a second were asked for, and 28 went out');
    expect(late(3, { scheduledEndMs: START + 35_500 }).perSecond.missed).toBeNull();
  });
});
