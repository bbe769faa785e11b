import type { ModelRow, Seen, Snapshot } from './statistics.ts';

type Colour = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan';

/** Paints text; one that returns the text as it is makes a view without colours. */
export type Paint = (colour: Colour, text: string) => string;

export interface ViewSize {
  readonly columns: number;
  readonly rows: number;
}

const BARS = '▁▂▃▄▅▆▇█';
const SLOW_MS = 100;
const VERY_SLOW_MS = 1000;

/** Rows of a view without its models and its last endings: heading, head of the table, all, lag, footer, and what is empty between. */
const FIXED_ROWS = 9;
/** For the last results and dead letters with their headings, where there is room for both. */
const ENDINGS_ROWS = 10;

/** The live view as lines, at most `size.rows` of them and none wider than `size.columns`; its last line is there however little room there is. */
export function renderView(snapshot: Snapshot, size: ViewSize, paint: Paint): string[] {
  const width = size.columns;
  const room = size.rows - FIXED_ROWS;
  const top = [
    ...heading(snapshot, width, paint),
    '',
    ...table(snapshot, width, Math.max(1, room - ENDINGS_ROWS >= 4 ? room - ENDINGS_ROWS : room), paint),
    '',
    lagLine(snapshot, width, paint),
  ];
  const bottom = ['', footer(width, paint)];
  const free = size.rows - top.length - bottom.length - 4; // two headings, each after an empty line
  const deadRows = Math.min(Math.max(2, Math.floor(free / 3)), 8);
  const resultRows = Math.min(free - deadRows, 16);
  const endings = [
    '',
    paint('bold', ' last results'),
    ...lastSeen(snapshot.results, resultRows, seen => resultLine(seen, width, paint)),
    '',
    paint('bold', ' last dead letters'),
    ...lastSeen(snapshot.deadLetters, deadRows, seen => deadLetterLine(seen, width, paint)),
  ];
  const lines = free < 4 ? top.slice(0, Math.max(0, size.rows - bottom.length)) : [...top, ...endings];
  return [...lines, ...bottom].slice(-size.rows).map(line => fit(line, width));
}

/** The same in one line, for where there is no terminal. */
export function plainLine(snapshot: Snapshot, time: string): string {
  const { all, lag } = snapshot;
  const waiting = lag.every(({ events }) => events === undefined)
    ? '–'
    : String(lag.reduce((sum, { events }) => sum + (events ?? 0), 0));
  return (
    `${time}  in ${Math.round(snapshot.sentPerSecond)}/s  out ${Math.round(all.perSecond)}/s  ` +
    `p50 ${ms(all.p50)}  p95 ${ms(all.p95)}  p99 ${ms(all.p99)} ms  ` +
    `scored ${whole(all.scored)}  dead letters ${share(all)}  lag ${waiting}`
  );
}

function heading(snapshot: Snapshot, width: number, paint: Paint): string[] {
  const name = ' hubscore';
  const flow = `   ${Math.round(snapshot.sentPerSecond)} requests/s in   ${Math.round(snapshot.all.perSecond)}/s out   `;
  const time = duration(snapshot.elapsedMs);
  const room = Math.max(0, width - name.length - flow.length - time.length - 2);
  const bars = sparkline(snapshot.history.slice(-room)).padEnd(room);
  return [
    `${paint('bold', name)}${flow}${paint('green', bars)} ${paint('dim', time)}`,
    paint('dim', ` ${'─'.repeat(width - 2)}`),
  ];
}

/** @param most rows of models; the busiest are shown where there are more. */
function table(snapshot: Snapshot, width: number, most: number, paint: Paint): string[] {
  const longest = Math.max(12, ...snapshot.rows.map(row => row.model.length + row.version.length + 1));
  const names = Math.max(8, Math.min(longest, width - 52));
  const columns = (cells: readonly string[]) =>
    ` ${cut(cells[0] ?? '', names).padEnd(names)}${cells
      .slice(1)
      .map((cell, i) => cell.padStart([8, 10, 8, 8, 8][i] ?? 8))
      .join('')}`;
  const head = columns(['model', 'req/s', 'scored', 'p50 ms', 'p95', 'p99']);
  const line = (row: ModelRow, colour: Colour) => {
    const text = columns([
      `${row.model} ${row.version}`,
      row.perSecond.toFixed(1),
      whole(row.scored),
      ms(row.p50),
      ms(row.p95),
      ms(row.p99),
    ]);
    const dead = share(row).padStart(8);
    const slow = row.p95 !== undefined && row.p95 >= SLOW_MS;
    const painted = `${paint(colour, text.slice(0, names + 1))}${
      slow
        ? paint((row.p95 as number) >= VERY_SLOW_MS ? 'red' : 'yellow', text.slice(names + 1))
        : text.slice(names + 1)
    }`;
    return `${painted}${row.deadLetters > 0 ? paint('yellow', dead) : paint('dim', dead)}`;
  };
  const shown = busiest(snapshot.rows, most);
  const rest = snapshot.rows.length - shown.length;
  return [
    paint('dim', `${head}${'dead'.padStart(8)}`),
    ...shown.map(row => line(row, 'cyan')),
    ...(rest > 0 ? [paint('dim', ` … and ${rest} more`)] : []),
    line(snapshot.all, 'bold'),
  ];
}

/** As many as fit, a row for what is left out among them, in the order they came in. */
function busiest(rows: readonly ModelRow[], most: number): readonly ModelRow[] {
  if (rows.length <= most) return rows;
  const kept = new Set([...rows].sort((a, b) => b.perSecond - a.perSecond).slice(0, most - 1));
  return rows.filter(row => kept.has(row));
}

function lagLine(snapshot: Snapshot, width: number, paint: Paint): string {
  const parts: string[] = [];
  let used = ' lag by partition'.length;
  for (const { partition, events } of snapshot.lag) {
    const text = `   ${partition}: ${events === undefined ? '–' : whole(events)}`;
    used += text.length;
    if (used > width - 4) {
      parts.push(' …');
      break;
    }
    parts.push(events !== undefined && events > 1000 ? paint('yellow', text) : text);
  }
  return `${paint('dim', ' lag by partition')}${parts.join('') || '   –'}`;
}

function resultLine(seen: Seen, width: number, paint: Paint): string {
  const model = [seen.model, seen.version].filter(Boolean).join(' ');
  const latency = `${ms(seen.latencyMs)} ms`.padStart(9);
  const ids = idWidth(width);
  const names = Math.max(8, Math.min(model.length, Math.floor(width * 0.35)));
  const room = Math.max(0, width - 11 - ids - names - 2 - latency.length);
  const said = cut(seen.said, room).padEnd(room);
  return ` ${paint('dim', clock(seen.atMs))} ${cell(seen.requestId, ids)}${paint('cyan', cell(model, names + 1))} ${paint('green', said)}${paint('dim', latency)}`;
}

function deadLetterLine(seen: Seen, width: number, paint: Paint): string {
  const ids = idWidth(width);
  return ` ${paint('dim', clock(seen.atMs))} ${cell(seen.requestId, ids)}${paint('yellow', cut(seen.said, width - 11 - ids))}`;
}

const idWidth = (width: number) => Math.max(9, Math.min(40, Math.floor(width * 0.16)));

/** Text and a space in as many columns. */
const cell = (text: string, width: number) => cut(text, width - 1).padEnd(width);

function lastSeen(seen: readonly Seen[], rows: number, line: (seen: Seen) => string): string[] {
  const lines = seen.slice(0, rows).map(line);
  if (lines.length === 0) lines.push(' none yet');
  return [...lines, ...Array<string>(Math.max(0, rows - lines.length)).fill('')];
}

function footer(width: number, paint: Paint): string {
  const right = 'Ctrl-C ends all ';
  const left = cut(' your own:  npx hubscore send FILE    npx hubscore tail', width - right.length - 2);
  return paint('dim', cut(`${left.padEnd(width - right.length)}${right}`, width));
}

function sparkline(values: readonly number[]): string {
  const most = Math.max(1, ...values);
  return values.map(value => BARS[Math.min(BARS.length - 1, Math.floor((value / most) * BARS.length))]).join('');
}

/** Text cut to a width; what would move the cursor is taken out. */
function cut(text: string, width: number): string {
  const clean = text
    .replace(/[\p{Cc}\p{Cf}]/gu, ' ')
    .replace(
      /[\u{1100}-\u{115f}\u{2e80}-\u{a4cf}\u{ac00}-\u{d7a3}\u{f900}-\u{faff}\u{ff00}-\u{ff60}\u{10000}-\u{10ffff}]/gu,
      '?',
    );
  if (clean.length <= width) return clean;
  return width < 1 ? '' : `${clean.slice(0, width - 1)}…`;
}

const STYLES = new RegExp(`(${String.fromCharCode(27)}\\[[0-9;]*m)`);

/** A painted line cut to a width: one that wraps pushes the last ones out of the terminal. */
function fit(line: string, width: number): string {
  let room = width;
  return line
    .split(STYLES)
    .map((piece, i) => {
      if (i % 2 === 1) return piece;
      const shown = piece.slice(0, room);
      room -= shown.length;
      return shown;
    })
    .join('');
}

function ms(value: number | undefined): string {
  if (value === undefined) return '–';
  if (value > 0 && value < 0.05) return '<0.1';
  return whole(value < 10 ? Math.round(value * 10) / 10 : Math.round(value));
}

function share({ scored, deadLetters }: ModelRow): string {
  const total = scored + deadLetters;
  if (total === 0) return '–';
  const percent = (deadLetters / total) * 100;
  return percent > 0 && percent < 0.05 ? '<0.1 %' : `${percent.toFixed(1)} %`;
}

function duration(elapsedMs: number): string {
  const seconds = Math.floor(elapsedMs / 1000);
  const two = (value: number) => String(value).padStart(2, '0');
  return `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
}

function clock(atMs: number): string {
  return new Date(atMs).toTimeString().slice(0, 8);
}

const whole = (value: number) => value.toLocaleString('en-US');
