import { escapeText, STYLE, short } from './bars.ts';

export interface Line {
  readonly label: string;
  readonly tone: 'ours' | 'other' | 'ideal';
  /** One a minute, from the first. */
  readonly values: readonly number[];
}

export interface Panel {
  readonly title: string;
  readonly lines: readonly Line[];
}

export interface LinePicture {
  readonly title: string;
  readonly unit: string;
  readonly panels: readonly Panel[];
}

const WIDTH = 720;
const [LEFT, RIGHT] = [56, 520];
const [TOP, HEIGHT, GAP] = [64, 110, 46];
const LINES =
  '.line{fill:none;stroke-width:2}.line.ours{stroke:var(--ours)}.line.other{stroke:var(--other)}.line.ideal{stroke:var(--ideal)}';

/** What goes on for minutes, a panel below the other, each from zero, as an SVG document. */
export function drawLines({ title, unit, panels }: LinePicture): string {
  const bottom = TOP + panels.length * (HEIGHT + GAP);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${bottom}" width="${WIDTH}" height="${bottom}"><style>${STYLE}${LINES}</style>
<rect width="100%" height="100%" rx="10" fill="var(--card)"/>
<text class="title" x="12" y="26">${escapeText(title)}</text><text class="unit" x="12" y="44">${escapeText(unit)}</text>
${panels.map((panel, i) => drawPanel(panel, TOP + i * (HEIGHT + GAP))).join('\n')}
</svg>
`;
}

function drawPanel({ title, lines }: Panel, top: number): string {
  const highest = roundedUp(Math.max(...lines.flatMap(({ values }) => values)));
  const minutes = Math.max(...lines.map(({ values }) => values.length));
  const base = top + 14 + HEIGHT;
  const x = (minute: number) => Math.round(LEFT + (minute / Math.max(1, minutes - 1)) * (RIGHT - LEFT));
  const y = (value: number) => Math.round(base - (value / highest) * HEIGHT);
  const grid = [0, highest / 2, highest].map(
    value =>
      `<line class="grid" x1="${LEFT}" x2="${RIGHT}" y1="${y(value)}" y2="${y(value)}"/><text class="axis end" x="${LEFT - 6}" y="${y(value) + 4}">${short(value)}</text>`,
  );
  const ends = apart(lines.map(({ values }) => y(values[values.length - 1] ?? 0)));
  const drawn = lines.map(({ label, tone, values }, i) => {
    const points = values.map((value, minute) => `${x(minute)},${y(value)}`).join(' ');
    return `<polyline class="line ${tone}" points="${points}"/><text class="${tone}" x="${RIGHT + 8}" y="${(ends[i] as number) + 4}">${escapeText(label)}</text>`;
  });
  const axis = `<text class="axis middle" x="${LEFT}" y="${base + 15}">0</text><text class="axis middle" x="${RIGHT}" y="${base + 15}">${minutes} min</text>`;
  return `<text class="group" x="12" y="${top + 6}">${escapeText(title)}</text>\n${[...grid, ...drawn, axis].join('\n')}`;
}

/** Labels that would lie upon each other stand below one another. */
function apart(heights: readonly number[]): readonly number[] {
  const placed = [...heights];
  const order = heights.map((_, i) => i).sort((one, other) => (heights[one] as number) - (heights[other] as number));
  for (let i = 1; i < order.length; i++) {
    const [above, here] = [order[i - 1] as number, order[i] as number];
    placed[here] = Math.max(placed[here] as number, (placed[above] as number) + 15);
  }
  return placed;
}

/** To a number that halves well. */
function roundedUp(value: number): number {
  const step = 10 ** Math.floor(Math.log10(value));
  return Math.ceil(value / (2 * step)) * 2 * step;
}
