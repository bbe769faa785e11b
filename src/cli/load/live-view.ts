import type { Writable } from 'node:stream';
import type { WriteStream } from 'node:tty';
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
  return (
    `${clockTime(load.elapsedMs)}  sent ${whole(load.sent)} (${rate(load.sentPerSecond)})  ` +
    `results ${whole(load.results)} (${rate(load.resultsPerSecond)})  p50 ${ms(load.p50)}  p95 ${ms(load.p95)}  p99 ${ms(load.p99)} ms  ` +
    `dead letters ${whole(load.deadLetters)}  waiting ${whole(load.waiting)}${load.notSent > 0 ? `  not sent ${whole(load.notSent)}` : ''}`
  );
}

/** The view as lines, none wider than `columns`. */
export function renderLoad(load: LoadSnapshot, columns: number, paint: Paint): string[] {
  const width = Math.max(40, Math.min(columns, 100));
  const row = (name: string, count: number, perSecond: readonly number[], colour: 'cyan' | 'green') => {
    const figures = ` ${name.padEnd(13)}${whole(count).padStart(10)}${`${whole(perSecond.at(-1) ?? 0)}/s`.padStart(11)}   `;
    return `${figures}${paint(colour, bars(perSecond.slice(-(width - figures.length - 1)), load.askedPerSecond))}`;
  };
  const asked = load.askedPerSecond === undefined ? '' : `${whole(Math.round(load.askedPerSecond))}/s asked, `;
  const aside = `${asked}${load.state}  ${clockTime(load.elapsedMs)}`;
  const title = ` hubscore load   ${load.title}`.slice(0, Math.max(15, width - aside.length - 2));
  const trouble = load.deadLetters + load.notSent > 0 ? 'yellow' : 'dim';
  const latency = ` latency       p50 ${ms(load.p50)}   p95 ${ms(load.p95)}   p99 ${ms(load.p99)} ms`;
  return [
    `${paint('bold', title)}${' '.repeat(Math.max(2, width - title.length - aside.length))}${paint('dim', aside)}`,
    paint('dim', ` ${'─'.repeat(width - 2)}`),
    row('sent', load.sent, load.sentPerSecond, 'cyan'),
    row('results', load.results, load.resultsPerSecond, 'green'),
    paint(trouble, ` dead letters ${whole(load.deadLetters).padStart(10)}   not sent ${whole(load.notSent)}`),
    ` waiting      ${whole(load.waiting).padStart(10)}   lag of the hub ${load.lag === undefined ? '–' : whole(load.lag)}`,
    `${latency}${paint('dim', '   intended → result')}`,
    paint('dim', ' Ctrl-C ends it, with the report so far'),
  ];
}

function bars(values: readonly number[], atLeast = 1): string {
  const most = Math.max(1, atLeast, ...values);
  return values.map(value => BARS[Math.min(BARS.length - 1, Math.floor((value / most) * BARS.length))]).join('');
}
