import type { Writable } from 'node:stream';
import type { WriteStream } from 'node:tty';
import { printable } from '../printable.ts';
import { type Paint, paintFor } from '../terminal.ts';
import { clockTime, ms, whole } from './format.ts';

const FRAME_MS = 250;
const LINE_MS = 1000;
const BARS = '▁▂▃▄▅▆▇█';

/** What the live view shows; rates are of the last whole second, latencies of the last five. */
export interface LoadSnapshot {
  readonly title: string;
  readonly state: string;
  readonly elapsedMs: number;
  readonly askedPerSecond: number | undefined;
  readonly sent: number;
  readonly sentPerSecond: readonly number[];
  readonly results: number;
  readonly resultsPerSecond: readonly number[];
  readonly deadLetters: number;
  readonly waiting: number;
  readonly notSent: number;
  readonly lag: number | undefined;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}

/** Shows the load until it is stopped: redrawn in place on a terminal, a plain line a second anywhere else. */
export function startLiveView(stdout: Writable, snapshot: () => LoadSnapshot): { stop(): void } {
  const terminal = stdout as Partial<WriteStream>;
  if (!terminal.isTTY) {
    const timer = setInterval(() => stdout.write(`${plainLine(snapshot())}\n`), LINE_MS);
    return { stop: () => clearInterval(timer) };
  }
  const paint = paintFor(stdout);
  let drawn = 0;
  const draw = () => {
    const lines = renderLoad(snapshot(), terminal.columns ?? 80, paint);
    const up = drawn > 0 ? `\x1b[${drawn}A` : '';
    stdout.write(`${up}${lines.map(line => `\r${line}\x1b[K\n`).join('')}`);
    drawn = lines.length;
  };
  draw();
  const timer = setInterval(draw, FRAME_MS);
  return {
    stop() {
      clearInterval(timer);
      draw();
    },
  };
}

export function plainLine(load: LoadSnapshot): string {
  const rate = (perSecond: readonly number[]) => `${whole(perSecond.at(-1) ?? 0)}/s`;
  const second = Math.round(load.elapsedMs / LINE_MS) * LINE_MS; // timers fire a little early or late
  return (
    `${clockTime(second)}  sent ${whole(load.sent)} (${rate(load.sentPerSecond)})  ` +
    `results ${whole(load.results)} (${rate(load.resultsPerSecond)})  p50 ${ms(load.p50)}  p95 ${ms(load.p95)}  p99 ${ms(load.p99)} ms  ` +
    `dead letters ${whole(load.deadLetters)}  waiting ${whole(load.waiting)}${load.notSent > 0 ? `  not sent ${whole(load.notSent)}` : ''}`
  );
}

/** The view as lines, always as many and none wider than `columns`: a line that wraps could not be drawn over. */
export function renderLoad(load: LoadSnapshot, columns: number, paint: Paint): string[] {
  const width = columns - 1;
  const line = (...pieces: readonly Piece[]) => {
    let room = width;
    return pieces
      .map(([text, format]) => {
        const shown = text.slice(0, Math.max(0, room));
        room -= shown.length;
        return format && shown ? paint(format, shown) : shown;
      })
      .join('');
  };
  const row = (name: string, count: number, perSecond: readonly number[], format: Piece[1]) => {
    const figures = ` ${name.padEnd(13)}${whole(count).padStart(10)}${`${whole(perSecond.at(-1) ?? 0)}/s`.padStart(11)}   `;
    const shown = perSecond.slice(-Math.max(1, width - figures.length));
    return line([figures], [bars(shown, load.askedPerSecond), format]);
  };
  const asked = load.askedPerSecond === undefined ? '' : `${whole(Math.round(load.askedPerSecond))}/s asked, `;
  const aside = `  ${asked}${load.state}  ${clockTime(load.elapsedMs)}`;
  const room = Math.max(15, width - aside.length);
  const title = ` hubscore load   ${printable(load.title)}`.slice(0, room).padEnd(room);
  const trouble = load.deadLetters + load.notSent > 0 ? 'yellow' : 'dim';
  return [
    line([title, 'bold'], [aside, 'dim']),
    line([` ${'─'.repeat(Math.max(0, width - 2))}`, 'dim']),
    row('sent', load.sent, load.sentPerSecond, 'cyan'),
    row('results', load.results, load.resultsPerSecond, 'green'),
    line([` dead letters ${whole(load.deadLetters).padStart(10)}   not sent ${whole(load.notSent)}`, trouble]),
    line([
      ` waiting      ${whole(load.waiting).padStart(10)}   lag of the hub ${load.lag === undefined ? '–' : whole(load.lag)}`,
    ]),
    line(
      [` latency       p50 ${ms(load.p50)}   p95 ${ms(load.p95)}   p99 ${ms(load.p99)} ms`],
      ['   intended → result', 'dim'],
    ),
    line([load.state === 'done' ? '' : ' Ctrl-C ends it, with the report so far', 'dim']),
  ];
}

type Piece = readonly [text: string, format?: Parameters<Paint>[0]];

function bars(values: readonly number[], atLeast = 1): string {
  const most = Math.max(1, atLeast, ...values);
  return values.map(value => BARS[Math.min(BARS.length - 1, Math.floor((value / most) * BARS.length))]).join('');
}
