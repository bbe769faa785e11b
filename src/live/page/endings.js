import { brief, count, ms, percent, versioned, word } from './format.js';
import { html } from './html.js';
import { Section, Table, Time } from './parts.js';
import { CODES, OURS } from './words.js';

export function DeadLetters({ data: { dead_letters: letters, last_dead_letters: last } }) {
  return html`<${Section} id="dead-letters" title="Dead letters" size="double">
    ${letters.length === 0 && last.length === 0 && html`<p>None: every request of the last day has its result.</p>`}
    ${
      letters.length > 0 &&
      html`<${Table} label="Dead letters by code" heads=${['Code', 'Count', 'Sent once more by']} numbers=${[1]} names=${[0, 2]}
      rows=${letters.map(({ code, count: many }) => ({
        key: code,
        cells: [
          html`<code class=${OURS.has(code) ? 'bad' : ''}>${code}</code><br /><span class="quiet">${CODES[code] ?? ''}</span>`,
          count(many),
          html`<code>npx hubscore replay --code ${word(code)} --from 24h</code>`,
        ],
      }))} />`
    }
    ${
      last.length > 0 &&
      html`<h3>The last ones</h3>
      <${Table} label="The last dead letters" heads=${['Request', 'Model', 'What is wrong', 'When']} names=${[0, 1, 2]}
        rows=${last.map(letter => ({
          key: letter.result_id,
          cells: [
            brief(letter.request_id ?? letter.result_id),
            versioned({ name: letter.model, version: letter.model_version }),
            html`${brief(letter.error?.message ?? letter.error?.code, 300)} <code class="quiet">${letter.error?.code}</code>`,
            html`<${Time} at=${letter.failed_at ?? letter.ended_at} />`,
          ],
        }))} />`
    }
  <//>`;
}

export function Results({ results }) {
  return html`<${Section} id="results" title="Last results" size="double">
    ${
      results.length === 0
        ? html`<p>None yet: <code>npx hubscore send FILE</code> sends requests, <code>npx hubscore tail</code> shows what comes out.</p>`
        : html`<${Table} label="The last results" heads=${['Request', 'Model', 'Prediction', 'Confidence', 'Took', 'When']} numbers=${[3, 4]} names=${[0, 1, 2]}
          rows=${results.map(result => ({
            key: result.result_id,
            cells: [
              brief(result.request_id ?? result.result_id),
              html`${versioned({ name: result.model, version: result.model_version })}${flagsOf(result)}`,
              result.prediction === undefined ? 'several' : brief(result.prediction),
              typeof result.confidence === 'number' ? percent(result.confidence) : '–',
              ms(result.latency_ms),
              html`<${Time} at=${result.timestamp ?? result.ended_at} />`,
            ],
          }))} />`
    }
  <//>`;
}

function flagsOf({ variant, fallback, degraded, cached }) {
  const flags = [variant, fallback && 'stood in', degraded && 'degraded', cached && 'cached'].filter(Boolean);
  return flags.length > 0 && html`<br /><span class="quiet">${flags.join(', ')}</span>`;
}
