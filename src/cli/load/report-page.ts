import { CHART, CHART_STYLE, drawChart, escapeText } from './chart.ts';
import { ms, whole } from './format.ts';
import type { LatencySummary } from './latencies.ts';
import type { LoadReport } from './report.ts';
import { chartsOf } from './report-charts.ts';
import { remarks } from './show-report.ts';

/** The report as one HTML file that needs nothing else: no script, no network, light and dark. */
export function renderPage(report: LoadReport): string {
  const { requests, latencyMs, settings, perSecond } = report;
  const model = settings.model ?? 'several models';
  const tiles: readonly Tile[] = [
    ['results a second', whole(Math.round(perSecond.results)), settings.pace],
    ['p50', `${ms(latencyMs.intendedToResult.p50)} ms`, 'half were answered within'],
    ['p95', `${ms(latencyMs.intendedToResult.p95)} ms`, '19 of 20'],
    ['p99', `${ms(latencyMs.intendedToResult.p99)} ms`, '99 of 100'],
    ['p99.9', `${ms(latencyMs.intendedToResult.p999)} ms`, '999 of 1,000'],
    [
      'dead letters',
      whole(requests.deadLetters),
      shares(requests.deadLetters, requests.sent),
      requests.deadLetters > 0,
    ],
    ['missing', whole(requests.missing), 'without an ending', requests.missing > 0],
  ];
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeText(`${model}, ${settings.pace}`)}: hubscore load</title>
<style>${CHART_STYLE}${PAGE_STYLE}</style>
<main>
<header>
<h1>${escapeText(model)} <small>${escapeText(settings.pace)}</small></h1>
<p>${escapeText(headline(report))}</p>
</header>
<section class="tiles">${tiles.map(tile).join('')}</section>
<section class="charts">${chartsOf(report)
    .map(
      chart =>
        `<figure><svg viewBox="0 0 ${CHART.width} ${CHART.height}" role="img" aria-label="${escapeText(chart.title)}">${drawChart(chart)}</svg></figure>`,
    )
    .join('\n')}</section>
<section class="tables">
${table('Latency, milliseconds', ['', ...COLUMNS.map(([head]) => head)], latencyRows(report))}
${table('Endings', ['', ''], endingRows(report))}
${table('How it was measured', ['', ''], setupRows(report))}
</section>
${notes(report)}
</main>
</html>
`;
}

type Tile = readonly [name: string, value: string, aside: string, trouble?: boolean];

const tile = ([name, value, aside, trouble]: Tile) =>
  `<div class="tile${trouble ? ' bad' : ''}"><span>${escapeText(name)}</span><b>${escapeText(value)}</b><i>${escapeText(aside)}</i></div>`;

function headline(report: LoadReport): string {
  const { requests, seconds, interrupted, startedAt } = report;
  const lost = requests.missing + requests.notSent;
  const fine = lost === 0 ? 'Every request has its ending.' : `${whole(lost)} requests have no ending.`;
  const when = `${startedAt.slice(0, 16).replace('T', ' ')} UTC`;
  return `${when}: ${whole(requests.sent)} requests in ${seconds.toFixed(1)} s${interrupted ? ', interrupted' : ''}. ${fine}`;
}

const shares = (part: number, of: number) =>
  `${((100 * part) / Math.max(1, of)).toFixed(part > 0 ? 2 : 0)} % of requests`;

const COLUMNS: readonly (readonly [string, keyof LatencySummary])[] = [
  ['p50', 'p50'],
  ['p95', 'p95'],
  ['p99', 'p99'],
  ['p99.9', 'p999'],
  ['max', 'max'],
  ['mean', 'mean'],
];

function latencyRows({ latencyMs, settings }: LoadReport): string[][] {
  const row = (name: string, summary: LatencySummary) => [name, ...COLUMNS.map(([, key]) => ms(summary[key]))];
  const from = settings.openLoop ? 'intended' : 'sending';
  return [
    row('enqueued → enqueued', latencyMs.enqueuedToEnqueued),
    row(`${from} → result`, latencyMs.intendedToResult),
    ...(settings.openLoop ? [row('intended → sending', latencyMs.sendDelay)] : []),
  ];
}

function endingRows({ requests, deadLetterCodes, sendFailures, lagAtEnd, lagAfterSending }: LoadReport): string[][] {
  const counts = (of: Readonly<Record<string, number>>) =>
    Object.entries(of).map(([name, count]) => [`  ${name}`, whole(count)]);
  const lag = Object.values(lagAtEnd).reduce((sum, events) => sum + events, 0);
  return [
    ['sent', whole(requests.sent)],
    ['results', whole(requests.results)],
    ['dead letters', whole(requests.deadLetters)],
    ...counts(deadLetterCodes),
    ['not confirmed by the hub', whole(requests.begun - requests.sent)],
    ...counts(sendFailures),
    ['missing', whole(requests.missing)],
    ['endings that came again', whole(requests.repeats)],
    ['from the result cache', whole(requests.cached)],
    ['waiting in the hub when sending ended', lagAfterSending === undefined ? 'unknown' : whole(lagAfterSending)],
    ['waiting at the end', whole(lag)],
  ];
}

function setupRows({ settings, clock }: LoadReport): string[][] {
  const { machine } = settings;
  return [
    ['hubs', `${settings.requestsHub} → ${settings.resultsHub}, ${settings.deadLetterHub} at ${settings.namespace}`],
    ['partitions', String(settings.partitions)],
    ['pace', settings.openLoop ? `${settings.pace}, whatever came back` : settings.pace],
    ['workers', String(settings.workers)],
    ['requests', settings.payload],
    ['partition keys', settings.keys],
    ['sent from', `${machine.cpu}, ${machine.cores} cores, Node ${machine.node}`],
    ["the service's clock", clockWords(clock)],
    ['hubscore', settings.version],
  ];
}

function clockWords({ offsetMs, uncertaintyMs }: LoadReport['clock']): string {
  return uncertaintyMs === null
    ? 'not compared'
    : `${offsetMs.toFixed(1)} ms off this machine's, ± ${uncertaintyMs.toFixed(1)}`;
}

function table(title: string, heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const head = heads.some(text => text !== '')
    ? `<tr>${heads.map(text => `<th>${escapeText(text)}</th>`).join('')}</tr>`
    : '';
  const body = rows.map(([name = '', ...cells]) => {
    const indent = name.startsWith('  ') ? ' class="sub"' : '';
    return `<tr><th${indent}>${escapeText(name.trim())}</th>${cells.map(cell => `<td>${escapeText(cell)}</td>`).join('')}</tr>`;
  });
  return `<div class="table"><h2>${escapeText(title)}</h2><table>${head}${body.join('')}</table></div>`;
}

function notes(report: LoadReport): string {
  const said = remarks(report);
  return said.length === 0 ? '' : `<ul>${said.map(text => `<li>${escapeText(text)}</li>`).join('')}</ul>`;
}

const PAGE_STYLE = `
*{box-sizing:border-box}body{margin:0;background:var(--page);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",sans-serif}
main{max-width:1180px;margin:0 auto;padding:32px 20px 48px}h1{font-size:26px;margin:0}h1 small{font-weight:400;color:var(--dim);font-size:18px}header p{margin:4px 0 20px;color:var(--dim)}
h2{font-size:14px;margin:0 0 8px}.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(140px,1fr));gap:12px}
.tile,figure,.table{background:var(--card);border:1px solid var(--line);border-radius:10px}.tile{padding:12px 14px;display:flex;flex-direction:column}.tile span,.tile i{font-size:12px;color:var(--dim);font-style:normal}.tile b{font-size:24px;font-weight:600;font-variant-numeric:tabular-nums}.tile.bad b{color:var(--trouble)}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,440px),1fr));gap:12px;margin:12px 0}figure{margin:0;padding:10px 8px 4px}figure svg{display:block;width:100%;height:auto}
.tables{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,440px),1fr));gap:12px}.table{padding:14px 16px;overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:13px}th{font-weight:400;text-align:left;color:var(--dim);padding:4px 8px 4px 0}th.sub{padding-left:16px}td,tr:first-child th:not(:first-child){text-align:right;font-variant-numeric:tabular-nums;padding:4px 0 4px 10px}tr+tr>*{border-top:1px solid var(--line)}
ul{color:var(--dim);font-size:13px;padding-left:18px}@media print{body{background:none}}
`;
