import { html } from './html.js';
import { Section } from './parts.js';

/** Scores one request with any model, through the same scoring as the stream; it is in no hub. */
export function Form({ form, catalog, actions }) {
  const { model, version, text, answer, isAsking } = form;
  const chosen = catalog.find(({ name }) => name === model);
  const submit = event => {
    event.preventDefault();
    void actions.score();
  };
  return html`<${Section} id="score" title="Score a request">
    ${
      catalog.length === 0
        ? html`<p>A model is needed first: <code>npx hubscore models push FILE --name NAME --version 1.0.0</code></p>`
        : html`<form onSubmit=${submit}>
          <label>Model
            <select name="model" value=${model} onChange=${event => actions.choose(event.target.value, '')}>
              ${catalog.map(({ name }) => html`<option key=${name} value=${name}>${name}</option>`)}
            </select>
          </label>
          <label>Version
            <select name="version" value=${version} onChange=${event => actions.choose(model, event.target.value)}>
              <option value="">production${chosen?.production ? ` (${chosen.production})` : ''}</option>
              ${chosen?.versions.map(each => html`<option key=${each} value=${each}>${each}</option>`)}
            </select>
          </label>
          <label>Request
            <textarea name="request" spellcheck="false" value=${text} onInput=${event => actions.write(event.target.value)}></textarea>
          </label>
          <button type="submit" aria-disabled=${isAsking}>Score</button>
        </form>`
    }
    <div role="status" id="answer">${isAsking ? 'Scoring …' : answer && (answer.failed ? html`<p class="bad">${answer.failed}</p>` : html`<pre>${answer.text}</pre>`)}</div>
  <//>`;
}
