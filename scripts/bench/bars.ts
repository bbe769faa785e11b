export interface Bar {
  readonly label: string;
  readonly value: number;
  /** Instead of the number. */
  readonly text?: string;
  /** Ours, what it is held against, or what the ideal would be. */
  readonly tone: 'ours' | 'other' | 'ideal';
}

export interface BarGroup {
  readonly title: string;
  readonly bars: readonly Bar[];
}

export interface Picture {
  readonly title: string;
  readonly unit: string;
  readonly groups: readonly BarGroup[];
  /** Where the values are orders of magnitude apart: a grid line for each. */
  readonly logarithmic?: boolean;
}

const WIDTH = 720;
const [LABEL_END, BAR_START, BAR_END] = [236, 246, 610];
const [TOP, ROW, GROUP] = [56, 24, 34];

/** Colours for light and dark surroundings: GitHub shows the picture in both. */
export const STYLE = `
:root{--ink:#1b1f24;--dim:#5b6470;--line:#e3e6ea;--card:#ffffff;--ours:#0e8a5f;--other:#8a929c;--ideal:#2563c9}
@media (prefers-color-scheme:dark){:root{--ink:#e9ecf0;--dim:#9aa3ae;--line:#2c333b;--card:#191e24;--ours:#3fc795;--other:#7d8792;--ideal:#6ea3ff}}
text{font:12px system-ui,-apple-system,"Segoe UI",sans-serif;fill:var(--ink)}
.title{font-size:15px;font-weight:600}.group{font-weight:600}.unit,.axis{font-size:11px;fill:var(--dim)}.end{text-anchor:end}.middle{text-anchor:middle}
.grid{stroke:var(--line)}.ours{fill:var(--ours)}.other{fill:var(--other)}.ideal{fill:var(--ideal)}
`;

/** Horizontal bars in groups, as an SVG document. */
export function drawBars({ title, unit, groups, logarithmic = false }: Picture): string {
  const highest = Math.max(...groups.flatMap(({ bars }) => bars.map(({ value }) => value)));
  const decades = Math.ceil(Math.log10(highest));
  const share = (value: number) => (logarithmic ? Math.max(0.01, Math.log10(value) / decades) : value / highest);
  const drawn: string[] = [];
  let y = TOP;
  for (const group of groups) {
    drawn.push(`<text class="group" x="12" y="${y + 16}">${escapeText(group.title)}</text>`);
    y += GROUP - 8;
    for (const { label, value, tone, text } of group.bars) {
      const width = Math.max(2, Math.round(share(value) * (BAR_END - BAR_START)));
      drawn.push(
        `<text class="end" x="${LABEL_END}" y="${y + 14}">${escapeText(label)}</text>`,
        `<rect class="${tone}" x="${BAR_START}" y="${y + 3}" width="${width}" height="${ROW - 8}" rx="2"/>`,
        `<text x="${BAR_START + width + 8}" y="${y + 14}">${escapeText(text ?? short(value))}</text>`,
      );
      y += ROW;
    }
    y += 10;
  }
  const grid = logarithmic ? decadeLines(decades, y) : '';
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y + 8}" width="${WIDTH}" height="${y + 8}"><style>${STYLE}</style>
<rect width="100%" height="100%" rx="10" fill="var(--card)"/>
<text class="title" x="12" y="26">${escapeText(title)}</text><text class="unit" x="12" y="44">${escapeText(unit)}</text>
${grid}${drawn.join('\n')}
</svg>
`;
}

function decadeLines(decades: number, bottom: number): string {
  return Array.from({ length: decades + 1 }, (_, decade) => {
    const x = BAR_START + Math.round((decade / decades) * (BAR_END - BAR_START));
    return (
      `<line class="grid" x1="${x}" x2="${x}" y1="${TOP - 4}" y2="${bottom}"/>` +
      `<text class="axis middle" x="${x}" y="${TOP - 8}">${short(10 ** decade)}</text>`
    );
  }).join('');
}

/** Three digits, thousands apart: `12,300`. */
export function short(value: number): string {
  const rounded = value >= 100 ? Math.round(value) : Number(value.toPrecision(3));
  return rounded.toLocaleString('en-US', { maximumFractionDigits: 3 });
}

export function escapeText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
