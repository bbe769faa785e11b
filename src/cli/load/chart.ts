/** One line of a chart; a gap where y is null. */
export interface Series {
  readonly name: string;
  /** CSS class that gives it its colour. */
  readonly tone: 'asked' | 'sent' | 'results' | 'p50' | 'p95' | 'p99' | 'trouble';
  readonly points: readonly (readonly [x: number, y: number | null])[];
}

export interface Chart {
  readonly title: string;
  readonly series: readonly Series[];
  /** Largest x. */
  readonly xMax: number;
  readonly xTicks: readonly (readonly [x: number, label: string])[];
  readonly xLabel: string;
  readonly yLabel: string;
  /** The y axis shows at least this much, so that noise around zero does not fill it. */
  readonly yAtLeast: number;
}

export const CHART = { width: 560, height: 270 } as const;
const AREA = { left: 58, right: 548, top: 54, bottom: 228 } as const;

/** A line chart as an SVG group of CHART's size; colours come from the classes in CHART_STYLE. */
export function drawChart(chart: Chart): string {
  const { series, xMax } = chart;
  const highest = Math.max(chart.yAtLeast, ...series.flatMap(({ points }) => points.map(([, y]) => y ?? 0)));
  const yTicks = niceTicks(highest);
  const yMax = yTicks.at(-1) as number;
  const x = (value: number) => round(AREA.left + (value / (xMax || 1)) * (AREA.right - AREA.left));
  const y = (value: number) => round(AREA.bottom - (value / yMax) * (AREA.bottom - AREA.top));
  return [
    `<text class="title" x="12" y="20">${escapeText(chart.title)}</text>`,
    legend(series),
    `<text class="axis" x="12" y="44">${escapeText(chart.yLabel)}</text>`,
    ...yTicks.map(
      tick =>
        `<line class="grid" x1="${AREA.left}" x2="${AREA.right}" y1="${y(tick)}" y2="${y(tick)}"/>` +
        `<text class="axis end" x="${AREA.left - 8}" y="${y(tick) + 4}">${short(tick)}</text>`,
    ),
    ...chart.xTicks.map(
      ([at, label]) =>
        // The last label would be cut off at the picture's edge.
        `<text class="axis ${x(at) > AREA.right - 12 ? 'end' : 'middle'}" x="${x(at)}" y="${AREA.bottom + 18}">${escapeText(label)}</text>`,
    ),
    `<text class="axis end" x="${AREA.right}" y="${CHART.height - 6}">${escapeText(chart.xLabel)}</text>`,
    ...series.map(({ tone, points }) => `<path class="line ${tone}" d="${pathOf(points, x, y)}"/>`),
  ].join('');
}

/** Classes of the groups that `drawChart` makes, for light and dark surroundings. */
export const CHART_STYLE = `
:root{--ink:#1b1f24;--dim:#5b6470;--line:#e3e6ea;--page:#f5f6f8;--card:#ffffff;--asked:#8a929c;--sent:#2563c9;--results:#0e8a5f;--p50:#2563c9;--p95:#b8690b;--p99:#b3306f;--trouble:#c43c2c}
@media (prefers-color-scheme:dark){:root{--ink:#e9ecf0;--dim:#9aa3ae;--line:#2c333b;--page:#111418;--card:#191e24;--asked:#7d8792;--sent:#6ea3ff;--results:#3fc795;--p50:#6ea3ff;--p95:#f0a44b;--p99:#ee7db4;--trouble:#ff7a68}}
svg text{font:12px system-ui,-apple-system,"Segoe UI",sans-serif;fill:var(--ink)}
svg .title{font-size:14px;font-weight:600}svg .axis{font-size:11px;fill:var(--dim)}svg .end{text-anchor:end}svg .middle{text-anchor:middle}
.grid{stroke:var(--line);stroke-width:1}.line{fill:none;stroke-width:2;stroke-linejoin:round;stroke-linecap:round}.dot{stroke:none}
.asked{stroke:var(--asked);stroke-dasharray:5 4}.sent{stroke:var(--sent)}.results{stroke:var(--results)}.p50{stroke:var(--p50)}.p95{stroke:var(--p95)}.p99{stroke:var(--p99)}.trouble{stroke:var(--trouble)}
`;

function legend(series: readonly Series[]): string {
  let at: number = AREA.right;
  const entries = [...series].reverse().map(({ name, tone }) => {
    const textAt = at - name.length * 6.4;
    at = textAt - 34;
    return (
      `<line class="line ${tone}" x1="${round(textAt - 22)}" x2="${round(textAt - 6)}" y1="16" y2="16"/>` +
      `<text class="axis" x="${round(textAt)}" y="20">${escapeText(name)}</text>`
    );
  });
  return entries.reverse().join('');
}

/** A point alone between gaps is drawn as a short stroke, or it would not be seen. */
function pathOf(points: Series['points'], x: (value: number) => number, y: (value: number) => number): string {
  let path = '';
  let pen = false;
  for (const [at, value] of points) {
    if (value === null) {
      pen = false;
      continue;
    }
    path += pen ? `L${x(at)} ${y(value)}` : `M${x(at)} ${y(value)}h.1`;
    pen = true;
  }
  return path;
}

/** From 0 to the first round number at or above `highest`, in four to six steps of 1, 2 or 5 · 10ⁿ. */
export function niceTicks(highest: number): number[] {
  const rough = highest / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map(factor => factor * power).find(candidate => candidate * 5 >= highest) as number;
  const count = Math.max(1, Math.ceil(highest / step - 1e-9));
  return Array.from({ length: count + 1 }, (_, i) => Number((i * step).toPrecision(6)));
}

function short(value: number): string {
  if (value >= 1_000_000) return `${Number((value / 1_000_000).toPrecision(3))}M`;
  return value >= 10_000 ? `${Number((value / 1000).toPrecision(3))}k` : value.toLocaleString('en');
}

const round = (value: number) => Math.round(value * 10) / 10;

export function escapeText(text: string): string {
  return text.replace(/[&<>"]/g, sign => `&#${sign.charCodeAt(0)};`);
}
