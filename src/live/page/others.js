import { Bar } from './chart.js';
import { brief, count, percent, short } from './format.js';
import { html } from './html.js';
import { Section, Table, Time } from './parts.js';

const KINDS = { alarm: 'bad', warning: 'warn', ok: 'good' };

/** The newest windows that were held against training data, as the drift monitor reports them. */
export function Drift({ drift }) {
  return html`<${Section} id="drift" title="Drift">
    ${drift.length === 0 && html`<p>Nothing is measured yet: <code>npx hubscore models push … --profile train.csv</code> says what training data looked like, and a window is judged once it is over.</p>`}
    ${drift.map(
      each => html`<article key=${`${each.model} ${each.version} ${each.size}`}>
        <h3>${each.model} ${each.version}, ${each.size}: <span class=${KINDS[each.status]}>${each.status}</span></h3>
        <p>${count(each.rows)} rows up to <${Time} at=${new Date(each.toMs).toISOString()} /></p>
        <${Table} label=${`Drift of ${each.model} ${each.version}, ${each.size}`} heads=${['Of', 'Distance', 'State', 'What moved most']} numbers=${[1]} names=${[0, 3]}
          rows=${each.features.map(feature => ({ key: `${feature.of} ${feature.name}`, cells: cellsOfDrift(feature) }))} />
        ${each.deadLetters.filter(({ alarm }) => alarm).map(({ code, bad, trials }) => html`<p class="bad">${count(bad)} ${code} of ${count(trials)} requests</p>`)}
      </article>`,
    )}
  <//>`;
}

function cellsOfDrift({ of, name, status, distance, moved, quality }) {
  const faults = quality
    .filter(({ alarm }) => alarm)
    .map(({ rule, bad, trials }) => `${rule.replaceAll('_', ' ')}: ${count(bad)} of ${count(trials)}`);
  return [
    of === 'feature' ? name : of,
    distance === undefined ? '–' : short(distance.js),
    html`<span class=${KINDS[status]}>${status}</span>${faults.map(fault => html`<br /><span class="bad">${fault}</span>`)}`,
    moved === undefined
      ? '–'
      : html`${moved.bin}: ${percent(moved.now)}, ${percent(moved.reference)} in training
      <${Bar} share=${moved.now} kind=${status === 'ok' ? 'done' : 'fail'} label=${`Now ${percent(moved.now)}`} /><${Bar} share=${moved.reference} kind="done" label=${`In training ${percent(moved.reference)}`} />`,
  ];
}

export function Jobs({ jobs, report, actions }) {
  return html`<${Section} id="jobs" title="Batch jobs">
    ${
      jobs.length === 0
        ? html`<p>None: <code>npx hubscore batch submit INPUT --model NAME --output PATH</code> scores files.</p>`
        : html`<${Table} label="The newest batch jobs" heads=${['Job', 'State', 'Rows', 'Done', 'Report']} numbers=${[2]} names=${[0, 1]}
          rows=${jobs.map(job => ({ key: job.id, cells: cellsOf(job, actions) }))} />`
    }
    <div role="status">${report && html`<h3>Report of ${report.id}</h3><pre class="scroll" tabindex="0">${report.text}</pre>`}</div>
  <//>`;
}

function cellsOf({ id, state, model, model_version: version, input, progress, error, history }, actions) {
  const { rows, rejected, rows_per_second: pace, eta, sla } = progress;
  const bytes = input.reduce((sum, file) => sum + file.bytes, 0);
  const share = state === 'succeeded' ? 1 : progress.bytes / (bytes || 1);
  const ended = history.at(-1)?.at;
  const isOver = ['succeeded', 'failed', 'cancelled'].includes(state);
  return [
    html`${id}<br /><span class="quiet">${model} ${version}</span>`,
    html`<span class=${state === 'failed' ? 'bad' : state === 'succeeded' ? 'good' : ''}>${state}</span>${(isOver ? sla === 'missed' : sla !== 'on_track') && html` <span class="warn">(deadline ${sla.replace('_', ' ')})</span>`}
      <${Bar} share=${share} kind="done" label=${`${percent(share)} done`} />${error && html`<span class="bad">${brief(error.message, 200)}</span>`}`,
    html`${count(rows)}${rejected > 0 && html`<br /><span class="quiet">${count(rejected)} rejected</span>`}${!isOver && html`<br /><span class="quiet">${short(pace)}/s</span>`}`,
    isOver ? ended && html`<${Time} at=${ended} />` : eta ? html`expected <${Time} at=${eta} />` : '–',
    state === 'succeeded'
      ? html`<button type="button" onClick=${() => actions.report(id)} aria-label=${`Show the report of ${id}`}>Show</button>`
      : '–',
  ];
}

export function Breakers({ breakers }) {
  const all = Object.entries(breakers);
  return html`<${Section} id="breakers" title="Circuit breakers">
    ${
      all.length === 0
        ? html`<p>None was needed yet.</p>`
        : html`<${Table} label="Circuit breakers of this instance" heads=${['Of', 'State']} rows=${all.map(
            ([target, state]) => ({
              key: target,
              cells: [
                target,
                html`<span class=${state === 'closed' ? 'good' : state === 'open' ? 'bad' : 'warn'}>${state}</span>`,
              ],
            }),
          )} />`
    }
    <p class="quiet">Of the instance that shows this page; the others’ are in the metric <code>hubscore_breaker_state</code>.</p>
  <//>`;
}
