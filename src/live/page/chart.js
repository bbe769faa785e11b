import { count, percent, short } from './format.js';
import { html } from './html.js';

const HOUR_MS = 3_600_000;
const WIDTH = 720;
const HEIGHT = 140;
const MOST_LINES = 5;

/** Counts a second by windows up to now, of an hour: what lies behind the last window that is there is nothing. */
function perSecond({ at, counts }, { from, step_ms: step }, nowMs) {
  const steps = HOUR_MS / step;
  const shift = Math.round((Date.parse(from) + at * step - (nowMs - HOUR_MS)) / step);
  const values = new Array(steps).fill(0);
  counts.forEach((many, i) => {
    if (i + shift >= 0 && i + shift < steps) values[i + shift] = many / (step / 1000);
  });
  return values;
}

const sum = lines => lines.reduce((total, line) => total.map((value, i) => value + line[i]), new Array(360).fill(0));
/** Of whole windows: the one that is open is left out. */
const lately = values => values.slice(-7, -1).reduce((total, value) => total + value, 0) / 6;

/** Endings a second of each version in the last minute, and of all. */
export function currentRates(rates, nowMs) {
  const lines =
    rates.from === null ? [] : rates.endings.map(line => ({ ...line, values: perSecond(line, rates, nowMs) }));
  const all = sum(lines.map(({ values }) => values));
  return {
    all,
    now: lately(all),
    peak: Math.max(...all),
    lines: lines.map(line => ({ ...line, now: lately(line.values) })),
  };
}

const points = (values, most) =>
  values
    .map(
      (value, i) =>
        `${((i / (values.length - 1)) * WIDTH).toFixed(1)},${(HEIGHT - (value / most) * (HEIGHT - 6) - 2).toFixed(1)}`,
    )
    .join(' ');

/** Endings a second in the last hour: all, those of the busiest versions, and dead letters. */
export function RateChart({ rates, nowMs, name }) {
  const { all, now, peak, lines } = currentRates(rates, nowMs);
  const most = Math.max(peak, 0.1);
  const busiest = lines
    .toSorted((one, other) => Math.max(...other.values) - Math.max(...one.values))
    .slice(0, MOST_LINES);
  const letters = rates.from === null ? [] : perSecond(rates.dead_letters, rates, nowMs);
  const line = (values, kind) => html`<polyline class=${`line ${kind}`} points=${points(values, most)} />`;
  return html`<figure>
    <svg class="chart" viewBox=${`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img"
      aria-label=${`Endings a second in the last hour: ${short(now)} now, ${short(peak)} at most`}>
      ${line(all, 'all')}
      ${lines.length > 1 && busiest.map(({ values }, i) => line(values, `line-${i}`))}
      ${letters.some(value => value > 0) && line(letters, 'bad')}
    </svg>
    <figcaption>
      <span>an hour ago</span><span>at most ${short(peak)}/s</span><span>now</span>
    </figcaption>
    <ul class="legend" aria-label="Lines of the chart">
      <li class="all">all</li>
      ${lines.length > 1 && busiest.map((each, i) => html`<li class=${`line-${i}`} key=${name(each)}>${name(each)}</li>`)}
      ${letters.some(value => value > 0) && html`<li class="bad">dead letters</li>`}
    </ul>
  </figure>`;
}

/** How a value stands to its limit. */
export function Bar({ share, kind, label }) {
  const width = `${(Math.max(0, Math.min(1, share)) * 100).toFixed(1)}%`;
  return html`<svg class=${`bar ${kind}`} role="img" aria-label=${label}><rect width=${width} height="100%" /></svg>`;
}

/** Shares of bins as columns. */
export function Histogram({ bins, label }) {
  const most = Math.max(...bins, 1);
  const wide = 100 / bins.length;
  return html`<svg class="histogram" viewBox="0 0 100 24" preserveAspectRatio="none" role="img" aria-label=${label}>
    ${bins.map((many, i) => html`<rect x=${i * wide + 0.3} y=${24 - (many / most) * 24} width=${wide - 0.6} height=${(many / most) * 24} />`)}
  </svg>`;
}

export function confidenceWords(bins) {
  const all = bins.reduce((sum, many) => sum + many, 0);
  const sure = bins.slice(18).reduce((sum, many) => sum + many, 0);
  return `Confidence of ${count(all)} results: ${percent(sure / all)} at 0.9 or more`;
}
