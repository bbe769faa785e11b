import { confidenceWords, currentRates, Histogram } from './chart.js';
import { count, ms, short, versioned } from './format.js';
import { html } from './html.js';
import { Section, Table, Time } from './parts.js';

/** What each version did in the last day. */
export function Versions({ data: { models, rates }, nowMs }) {
  const { lines } = currentRates(rates, nowMs);
  const rateOf = each => lines.find(({ name, version }) => name === each.name && version === each.version)?.now ?? 0;
  return html`<${Section} id="versions" title="What answered" size="wide">
    ${
      models.length === 0
        ? html`<p>No model has answered in the last day: <code>npx hubscore send FILE</code> sends requests.</p>`
        : html`<${Table} label="What answered in the last day" numbers=${[1, 2, 3, 4, 5, 6, 7]}
          heads=${['Model and version', 'A second', 'Results', 'Dead letters', 'Model’s faults', 'p50', 'p95', 'p99', 'Confidence']}
          rows=${models.map(each => ({
            key: versioned(each),
            cells: [
              versioned(each),
              short(rateOf(each)),
              count(each.results),
              count(each.dead_letters),
              count(each.errors ?? 0),
              ...[each.latency?.p50_ms, each.latency?.p95_ms, each.latency?.p99_ms].map(ms),
              each.confidence
                ? html`<${Histogram} bins=${each.confidence} label=${confidenceWords(each.confidence)} />`
                : '–',
            ],
          }))} />`
    }
  <//>`;
}

/** What there is in storage, and who changed it. */
export function Catalog({ catalog }) {
  return html`<${Section} id="models" title="Models" size="wide">
    ${
      catalog.length === 0
        ? html`<p>There is no model yet: <code>npx hubscore models push FILE --name NAME --version 1.0.0</code></p>`
        : html`<${Table} label="Models in storage" heads=${['Model', 'Production', 'Versions', 'Aliases', 'Changed']} names=${[0, 2, 3]}
          rows=${catalog.map(({ name, production, versions, aliases, quarantine, changed }) => ({
            key: name,
            cells: [
              name,
              production ?? html`<span class="bad">none</span>`,
              versions.map(
                (version, i) =>
                  html`${i > 0 && ', '}${version}${quarantine?.[version] && html` <span class="bad" title=${quarantine[version]}>(in quarantine)</span>`}`,
              ),
              Object.entries(aliases)
                .map(([alias, version]) => `${alias} → ${version}`)
                .join(', ') || '–',
              changed ? html`<${Time} at=${changed.at} />, ${changed.action} by ${changed.by}` : '–',
            ],
          }))} />`
    }
  <//>`;
}
