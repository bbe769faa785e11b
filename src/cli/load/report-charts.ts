import type { Chart, Series } from './chart.ts';
import type { LoadReport, TimeBin } from './report.ts';

/** The report's curves: throughput and latency over time, latency by percentile, what waited. */
export function chartsOf(report: LoadReport): Chart[] {
  const { timeline, latencyMs, seconds, settings, binSeconds } = report;
  const overTime = { xMax: seconds, xTicks: timeTicks(seconds), xLabel: 'seconds' };
  // A slice's figure stands at its middle.
  const line = (name: string, tone: Series['tone'], pick: (bin: TimeBin) => number | null): Series => ({
    name,
    tone,
    points: timeline.map((bin, i) => [Math.min(bin.second + middle(i), seconds), pick(bin)]),
  });
  const middle = (i: number) => (i === timeline.length - 1 ? (seconds - i * binSeconds) / 2 : binSeconds / 2);
  const asked = settings.openLoop ? [line('asked', 'asked', bin => bin.asked)] : [];
  const refused = report.requests.deadLetters > 0 ? [line('dead letters', 'trouble', bin => bin.deadLetters)] : [];
  const meant = settings.openLoop ? 'from the intended time to the result' : 'from sending to the result';
  const { enqueuedToEnqueued, intendedToResult } = latencyMs;
  const nines = Math.max(1, ...intendedToResult.curve.map(([percent]) => ninesOf(percent)));
  return [
    {
      ...overTime,
      title: 'Throughput',
      yLabel: 'a second',
      yAtLeast: 1,
      series: [...asked, line('sent', 'sent', bin => bin.sent), line('results', 'results', bin => bin.results)],
    },
    {
      ...overTime,
      title: 'Latency over time',
      yLabel: `milliseconds, ${meant}`,
      yAtLeast: 1,
      series: [
        line('p50', 'p50', bin => bin.p50),
        line('p95', 'p95', bin => bin.p95),
        line('p99', 'p99', bin => bin.p99),
      ],
    },
    {
      title: 'Latency by percentile',
      yLabel: 'milliseconds',
      yAtLeast: 1,
      xMax: nines,
      xTicks: PERCENTILES.filter(percent => ninesOf(percent) <= nines + 1e-9).map(percent => [
        ninesOf(percent),
        `${percent}`,
      ]),
      xLabel: 'percentile',
      series: [
        { name: 'enqueued → enqueued', tone: 'sent', points: byNines(enqueuedToEnqueued.curve) },
        {
          name: settings.openLoop ? 'intended → result' : 'sending → result',
          tone: 'p99',
          points: byNines(intendedToResult.curve),
        },
      ],
    },
    {
      ...overTime,
      title: refused.length > 0 ? 'Waiting, and refused' : 'Waiting',
      yLabel: `requests in the hub${refused.length > 0 ? '; dead letters a second' : ''}`,
      yAtLeast: 10,
      series: [line('lag', 'p95', bin => bin.lag), ...refused],
    },
  ];
}

const PERCENTILES = [0, 50, 90, 99, 99.9, 99.99, 99.999];

/** 90 → 1, 99 → 2, 99.9 → 3: the axis on which tails can be seen. */
const ninesOf = (percent: number) => -Math.log10(1 - percent / 100);

function byNines(curve: readonly (readonly [number, number])[]): Series['points'] {
  return curve.map(([percent, ms]) => [ninesOf(percent), ms]);
}

function timeTicks(seconds: number): (readonly [number, string])[] {
  const step =
    [0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200].find(each => seconds / each <= 8) ?? 14_400;
  return Array.from({ length: Math.floor(seconds / step) + 1 }, (_, i) => {
    const at = Number((i * step).toFixed(1));
    return [at, String(at)] as const;
  });
}
