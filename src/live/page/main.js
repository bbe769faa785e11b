import { example, predict, readData, readReport } from './ask.js';
import { html } from './html.js';
import { render } from './preact.js';
import { Page } from './view.js';

const EVERY_MS = 2_000;
/** Of the backlog and of what came in, by which their pace is judged. */
const MOST_SAMPLES = 30;

const state = {
  data: undefined,
  /** Up to when the figures are counted, and when they came. */
  asOf: undefined,
  cameAt: undefined,
  /** Why newer ones did not. */
  failure: undefined,
  samples: [],
  report: undefined,
  form: { model: '', version: '', text: '', answer: undefined, isAsking: false },
};

function draw() {
  render(html`<${Page} state=${state} nowMs=${Date.now()} actions=${actions} />`, document.getElementById('page'));
}

function note({ partitions }) {
  const sum = of => partitions.reduce((total, each) => total + (each[of] ?? 0), 0);
  state.samples = [
    ...state.samples,
    { at: Date.now(), last: sum('last') + partitions.length, backlog: sum('backlog') },
  ].slice(-MOST_SAMPLES);
}

let timer;
let polling = false;

async function poll() {
  clearTimeout(timer);
  if (polling || document.hidden) return;
  polling = true;
  try {
    const { data, asOf } = await readData();
    Object.assign(state, { data: data ?? state.data, asOf, cameAt: Date.now(), failure: undefined });
    note(state.data);
    if (state.form.model === '' && state.data.catalog.length > 0) void actions.choose(state.data.catalog[0].name, '');
  } catch (thrown) {
    state.failure = thrown.message;
  }
  polling = false;
  if (!document.hidden) timer = setTimeout(poll, EVERY_MS);
  draw();
}

const actions = {
  /** Fills the form for another model, unless somebody wrote into it. */
  async choose(model, version) {
    const before = state.form.text;
    Object.assign(state.form, { model, version, answer: undefined });
    draw();
    const text = await example(model, version).catch(thrown => `{ "features": [] }\n${thrown.message}`);
    if (state.form.model !== model || state.form.version !== version || state.form.text !== before) return;
    state.form.text = text;
    draw();
  },
  write(text) {
    state.form.text = text;
  },
  async report(id) {
    state.report = { id, text: await readReport(id).catch(thrown => thrown.message) };
    draw();
  },
  async score() {
    const { model, version, text } = state.form;
    state.form.isAsking = true;
    draw();
    state.form.answer = await predict(model, version, text);
    state.form.isAsking = false;
    draw();
  },
};

document.addEventListener('visibilitychange', () => (document.hidden ? clearTimeout(timer) : void poll()));
void poll();
