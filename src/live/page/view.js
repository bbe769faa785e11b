import { currentRates, RateChart } from './chart.js';
import { DeadLetters, Results } from './endings.js';
import { Form } from './form.js';
import { count, duration, ms, short, time, versioned } from './format.js';
import { html } from './html.js';
import { Catalog, Versions } from './models.js';
import { Breakers, Drift, Jobs } from './others.js';
import { Section, Table, Time } from './parts.js';
import { Rollouts } from './rollouts.js';

/** Figures that are counted up to longer ago than this are said to be old. */
const OLD_MS = 30_000;

const SECTIONS = [
  ['traffic', 'Traffic'],
  ['backlog', 'Backlog'],
  ['versions', 'What answered'],
  ['rollouts', 'Rollouts'],
  ['dead-letters', 'Dead letters'],
  ['results', 'Last results'],
  ['models', 'Models'],
  ['drift', 'Drift'],
  ['jobs', 'Batch jobs'],
  ['breakers', 'Circuit breakers'],
  ['score', 'Score a request'],
];

export function Page({ state, nowMs, actions }) {
  const { data, failure } = state;
  return html`<header>
      <h1>hubscore live</h1>
      ${data && html`<span class="quiet">${data.hubs.requests}</span>`}
      <${Freshness} ...${state} nowMs=${nowMs} />
      <nav aria-label="Sections"><ul>${SECTIONS.map(([id, title]) => html`<li key=${id}><a href=${`#${id}`}>${title}</a></li>`)}</ul></nav>
    </header>
    <main id="main" tabindex="-1">
      ${data ? html`<${Figures} ...${state} nowMs=${nowMs} actions=${actions} />` : html`<p>${failure ? 'No figures yet.' : 'Asking for the figures …'}</p>`}
    </main>`;
}

/** Whether what is shown is new; a screen reader is told when that changes, not every two seconds. */
function Freshness({ data, asOf, cameAt, failure, nowMs }) {
  const isOld = asOf !== undefined && nowMs - Date.parse(asOf) > OLD_MS;
  const state = failure
    ? html`<span class="bad state">${cameAt === undefined ? 'no figures' : html`stale since <${Time} at=${new Date(cameAt).toISOString()} />`}: ${failure}</span>`
    : isOld
      ? html`<span class="warn state">not counted since <${Time} at=${asOf} /></span>`
      : data && html`<span class="good state">live</span>`;
  return html`<span role="status">${state}</span>${!failure && !isOld && asOf && html`<span class="quiet">counted up to <${Time} at=${asOf} /></span>`}`;
}

function Figures(state) {
  const { data, nowMs, form, actions, samples } = state;
  return html`
    ${data.problems.length > 0 && html`<${Problems} problems=${data.problems} />`}
    <${Traffic} data=${data} samples=${samples} nowMs=${nowMs} />
    <${Backlog} data=${data} samples=${samples} nowMs=${nowMs} />
    <${Form} form=${form} catalog=${data.catalog} actions=${actions} />
    <${Versions} data=${data} nowMs=${nowMs} />
    <${Rollouts} rollouts=${data.rollouts} nowMs=${nowMs} />
    <${DeadLetters} data=${data} />
    <${Results} results=${data.last_results} />
    <${Catalog} catalog=${data.catalog} />
    <${Drift} drift=${data.drift} />
    <${Jobs} jobs=${data.jobs} report=${state.report} actions=${actions} />
    <${Breakers} breakers=${data.breakers} />`;
}

const Problems = ({ problems }) => html`<section class="wide notice" aria-labelledby="problems">
  <h2 id="problems">Some of it cannot be seen</h2>
  <ul>${problems.map(({ what, message }) => html`<li key=${what}>${what}: ${message}</li>`)}</ul>
</section>`;

/** Events a second between the samples; undefined where they are too few. */
function pace(samples, of) {
  const [first, last] = [samples[0], samples.at(-1)];
  return samples.length < 2 || last.at - first.at < 1_000
    ? undefined
    : ((last[of] - first[of]) / (last.at - first.at)) * 1000;
}

function Traffic({ data, samples, nowMs }) {
  const { rates, latency, dead_letters: letters, models, since } = data;
  const { now } = currentRates(rates, nowMs);
  const comes = pace(samples, 'last');
  const results = models.reduce((sum, model) => sum + model.results, 0);
  const dead = letters.reduce((sum, letter) => sum + letter.count, 0);
  const isSilent = rates.from === null && results + dead === 0;
  return html`<${Section} id="traffic" title="Traffic" size="wide">
    <dl class="tiles">
      <div><dt>In, a second</dt><dd id="rate-in">${comes === undefined ? '–' : short(Math.max(0, comes))}</dd></div>
      <div><dt>Out, a second</dt><dd id="rate-out">${short(now)}<small>in the last minute</small></dd></div>
      <div><dt>Results</dt><dd id="results-day">${count(results)}<small>since ${time(since)}</small></dd></div>
      <div><dt>Dead letters</dt><dd id="dead-day" class=${dead > 0 ? 'bad' : ''}>${count(dead)}<small>since ${time(since)}</small></dd></div>
      <div><dt>Enqueued to scored</dt><dd>${ms(latency.p50_ms)}<small>half; 95 %: ${ms(latency.p95_ms)}; 99 %: ${ms(latency.p99_ms)}</small></dd></div>
    </dl>
    ${
      isSilent
        ? html`<p>Nothing has been scored yet. Send a request: <code>npx hubscore send FILE</code>, or with the form on this page.</p>`
        : html`<${RateChart} rates=${rates} nowMs=${nowMs} name=${versioned} />`
    }
    ${data.behind > 0 && html`<p class="warn">${count(data.behind)} endings are there and not counted yet.</p>`}
    ${data.lost > 0 && html`<p class="warn">${count(data.lost)} endings expired before they could be counted.</p>`}
    ${data.unsure > 0 && html`<p class="warn">${count(data.unsure)} endings came too late to tell whether they were counted.</p>`}
  <//>`;
}

function Backlog({ data: { partitions, rates }, samples, nowMs }) {
  const waiting = partitions.reduce((sum, { backlog = 0 }) => sum + backlog, 0);
  return html`<${Section} id="backlog" title="Backlog">
    ${
      partitions.length === 0
        ? html`<p>The requests hub cannot be asked now.</p>`
        : html`<p id="backlog-words">${backlogWords(waiting, samples, currentRates(rates, nowMs).now)}</p>
          <${Table} label="Backlog of each partition" heads=${['Partition', 'Waiting', 'Ever enqueued']} numbers=${[1, 2]}
            rows=${partitions.map(({ id, backlog, last }) => ({ key: id, cells: [id, backlog === undefined ? 'not known' : count(backlog), count(last + 1)] }))} />`
    }
  <//>`;
}

function backlogWords(waiting, samples, out) {
  if (waiting === 0) return 'No request waits.';
  const change = pace(samples, 'backlog') ?? 0;
  const trend =
    change > 0.5
      ? `, ${short(change)} more a second`
      : change < -0.5
        ? `, ${short(-change)} fewer a second`
        : ', about as many as before';
  const left =
    change < -0.5
      ? `; at this pace none is left in ${duration((waiting / -change) * 1000)}`
      : out > 0 && change <= 0.5
        ? `; if no more came, ${duration((waiting / out) * 1000)} of work`
        : '';
  return `${count(waiting)} wait${trend}${left}.`;
}
