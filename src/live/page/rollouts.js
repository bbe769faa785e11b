import { Bar } from './chart.js';
import { count, duration, percent, short } from './format.js';
import { html } from './html.js';
import { Section, Table } from './parts.js';

export function Rollouts({ rollouts, nowMs }) {
  return html`<${Section} id="rollouts" title="Rollouts" size="wide">
    ${rollouts.length === 0 && html`<p>None. <code>npx hubscore rollout start NAME VERSION</code> gives a new version a part of the traffic.</p>`}
    ${rollouts.map(each => html`<${Rollout} key=${each.model} ...${each} nowMs=${nowMs} />`)}
  <//>`;
}

const words = text => text.replaceAll('_', ' ');

function Rollout({ model, rollout, arms, triggers, split, verdict, next, undo, blame = [], nowMs }) {
  const left = rollout.ends_at === null ? undefined : Date.parse(rollout.ends_at) - nowMs;
  const isOpen = rollout.phase === 'running' || rollout.phase === 'held';
  const row = (name, arm) => ({
    key: name,
    cells: [
      name,
      ...[arm.requests, arm.errors, arm.runs, arm.slow_runs, arm.failed_runs, arm.labels, arm.right].map(count),
    ],
  });
  return html`<article>
    <h3>${model} ${rollout.candidate} against ${rollout.baseline}: ${words(rollout.phase)}, <span class=${verdict}>${words(verdict)}</span></h3>
    <p>${words(rollout.kind)} ${rollout.id} at ${short(rollout.weight)} %${isOpen && left !== undefined && (left > 0 ? `, ${duration(left)} left` : ', its time is over')}</p>
    <${Bar} share=${rollout.weight / 100} kind="split" label=${`The candidate’s share: ${short(rollout.weight)} %`} />
    <p>Next: ${next}</p>
    ${blame.length > 0 && html`<ul aria-label="Which requests it fails for">${blame.map(each => html`<li key=${each} class="bad">${each}</li>`)}</ul>`}
    ${undo && html`<p>Undo: <code>${undo}</code></p>`}
    <${Table} label=${`Arms of ${model}’s rollout`} numbers=${[1, 2, 3, 4, 5, 6, 7]}
      heads=${['Arm', 'Requests', 'Errors', 'Runs', 'Slow runs', 'Failed runs', 'Labels', 'Right']}
      rows=${[row('candidate', arms.candidate), row('production', arms.production)]} />
    <${Table} label=${`Triggers of ${model}’s rollout`} heads=${['Trigger', 'Seen', 'That it fails', 'That it passes', 'Verdict']} names=${[0, 2, 3]}
      rows=${triggers.map(trigger => ({
        key: trigger.trigger,
        cells: [
          trigger.trigger,
          trigger.candidate === undefined
            ? 'nothing yet'
            : `${trigger.candidate <= 1 ? percent(trigger.candidate) : short(trigger.candidate)} (${count(trigger.bad)} of ${count(trigger.trials)})`,
          evidence('fail', trigger.fail_evidence, trigger.threshold),
          evidence('pass', trigger.pass_evidence, trigger.threshold),
          html`<span class=${trigger.verdict}>${words(trigger.verdict)}</span>${trigger.why && html`<br /><span class="quiet">${trigger.why}</span>`}`,
        ],
      }))} />
    ${split && html`<p>Split: <span class=${split.verdict}>${words(split.verdict)}</span>; ${percent(split.observed)} of the keys seen are the candidate’s, ${percent(split.expected)} were meant.</p>`}
  </article>`;
}

function evidence(kind, value, threshold) {
  const label = `Evidence ${value.toFixed(2)} of ${threshold.toFixed(2)} that it ${kind === 'fail' ? 'fails' : 'passes'}`;
  return html`<${Bar} share=${value / threshold} kind=${kind} label=${label} /><span class="quiet">${value.toFixed(2)} of ${threshold.toFixed(2)}</span>`;
}
