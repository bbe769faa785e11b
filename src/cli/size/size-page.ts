import { assumptionsOf, loadWords, priceWords } from '../../size/assumptions.ts';
import type { Evaluation } from '../../size/evaluate.ts';
import type { Sample } from '../../size/simulate/scenario.ts';
import { CHART, CHART_STYLE, type Chart, drawChart, escapeText, niceTicks, type Series } from '../load/chart.ts';
import { rowsOf, type Shown } from './show-size.ts';

/** The answer as one HTML file that needs nothing else: no script, no network, light and dark. */
export function sizePage({ question, evaluations, binding, model }: Shown): string {
  const [first] = evaluations;
  const head = loadWords(question);
  const holds = binding === undefined && evaluations.every(({ misses }) => misses.length === 0);
  const words = [
    ...(binding ? [`What binds: ${binding.limit}.`, `What lifts it: ${binding.lift}.`] : []),
    ...evaluations.flatMap(({ misses }) => misses),
  ];
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeText(head)}: hubscore size</title>
<style>${CHART_STYLE}${PAGE_STYLE}</style>
<main>
<h1>${escapeText(head)}</h1>
<p class="${holds ? '' : 'bad'}">${holds ? 'It holds.' : `It does not hold. ${escapeText(words.join(' '))}`}</p>
<table>${rowsOf(evaluations)
    .map(
      ([name = '', ...cells]) =>
        `<tr><th>${escapeText(name)}</th>${cells.map(cell => `<td>${escapeText(cell)}</td>`).join('')}</tr>`,
    )
    .join('')}</table>
${evaluations.map(evaluation => `<section>${chartsOf(evaluation).map(figure).join('\n')}</section>`).join('\n')}
<h2>Assumed</h2>
<ul>${[model, ...(first ? assumptionsOf(question, first) : []), ...priceWords(question)].map(text => `<li>${escapeText(text)}</li>`).join('')}</ul>
</main>
</html>
`;
}

const figure = (chart: Chart) =>
  `<figure><svg viewBox="0 0 ${CHART.width} ${CHART.height}" role="img" aria-label="${escapeText(chart.title)}">${drawChart(chart)}</svg></figure>`;

/** The rates, what waits, how long it took, and instances, over time. */
function chartsOf({ outcome: { samples } }: Evaluation): Chart[] {
  const until = samples.at(-1)?.second ?? 0;
  const line = (name: string, tone: Series['tone'], pick: (sample: Sample) => number | null): Series => ({
    name,
    tone,
    points: samples.map(sample => [sample.second, pick(sample)]),
  });
  const overTime = {
    xMax: until,
    xTicks: timeTicks(until),
    xLabel: 'after the warm-up',
    yAtLeast: 1,
  };
  return [
    {
      ...overTime,
      title: 'Throughput',
      yLabel: 'a second',
      series: [
        line('sent', 'sent', sample => sample.sentPerSecond),
        line('answered', 'results', sample => sample.answeredPerSecond),
      ],
    },
    {
      ...overTime,
      title: 'Waiting',
      yLabel: 'events',
      series: [
        line('in the hub', 'p95', sample => sample.waiting),
        line('at their senders', 'trouble', sample => sample.heldBack),
      ],
    },
    {
      ...overTime,
      title: 'Latency',
      yLabel: 'milliseconds, from sent to answered',
      series: [line('p50', 'p50', sample => sample.p50Ms), line('p99', 'p99', sample => sample.p99Ms)],
    },
    {
      ...overTime,
      title: 'Instances',
      yLabel: 'at work or starting',
      series: [line('instances', 'asked', sample => sample.instances)],
    },
  ];
}

/** Round numbers of seconds, of minutes where there are several. */
function timeTicks(until: number): Chart['xTicks'] {
  const [step, unit] = until > 180 ? [60, 'min'] : [1, 's'];
  return niceTicks(Math.max(1, until / step))
    .filter(tick => tick * step <= until)
    .map(tick => [tick * step, tick === 0 ? '0' : `${tick} ${unit}`] as const);
}

const PAGE_STYLE = `
*{box-sizing:border-box}body{margin:0;background:var(--page);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",sans-serif}
main{max-width:1180px;margin:0 auto;padding:32px 20px 48px}h1{font-size:22px;margin:0 0 4px}h2{font-size:14px}p.bad{color:var(--trouble)}
section{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,440px),1fr));gap:12px;margin:16px 0}figure,table{background:var(--card);border:1px solid var(--line);border-radius:10px}figure{margin:0;padding:10px 8px 4px}figure svg{display:block;width:100%;height:auto}
table{border-spacing:0;font-size:13px;padding:8px 14px}th{font-weight:400;text-align:left;color:var(--dim);padding:3px 24px 3px 0;white-space:pre}td{text-align:right;padding:3px 12px;font-variant-numeric:tabular-nums}ul{color:var(--dim);font-size:13px;padding-left:18px}
`;
