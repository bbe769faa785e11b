import type { WriteStream } from 'node:tty';
import { styleText } from 'node:util';
import type { Snapshot } from './statistics.ts';
import { plainLine, renderView } from './view.ts';

const FRAME_MS = 250;
const LINE_MS = 1000;
const ENTER = '\x1b[?1049h\x1b[?25l'; // the alternate screen, no cursor
const LEAVE = '\x1b[?25h\x1b[?1049l';
const BEGIN_FRAME = '\x1b[?2026h\x1b[H'; // drawn at once where the terminal can, from the top left
const END_FRAME = '\x1b[J\x1b[?2026l';

/** Shows the statistics until it is stopped. */
export interface Display {
  /** Leaves the terminal as it was, with the last view on it. */
  stop(): void;
}

/** A live view on a terminal, a plain line a second anywhere else. */
export function startDisplay(stdout: WriteStream, snapshot: () => Snapshot): Display {
  return stdout.isTTY ? startLiveView(stdout, snapshot) : startPlainLines(stdout, snapshot);
}

function startLiveView(stdout: WriteStream, snapshot: () => Snapshot): Display {
  const lines = (rows: number) =>
    renderView(snapshot(), { columns: stdout.columns, rows }, (colour, text) =>
      styleText(colour, text, { stream: stdout }),
    );
  const draw = () => {
    const frame = lines(stdout.rows)
      .map(line => `${line}\x1b[K`)
      .join('\n');
    stdout.write(`${BEGIN_FRAME}${frame}${END_FRAME}`);
  };
  const leave = () => stdout.write(LEAVE);
  stdout.write(ENTER);
  process.once('exit', leave); // whatever ends us, the cursor comes back
  draw();
  const timer = setInterval(draw, FRAME_MS);
  stdout.on('resize', draw);
  return {
    stop() {
      clearInterval(timer);
      stdout.off('resize', draw);
      process.off('exit', leave);
      leave();
      stdout.write(`${lines(24).join('\n')}\n`);
    },
  };
}

function startPlainLines(stdout: WriteStream, snapshot: () => Snapshot): Display {
  const timer = setInterval(() => {
    stdout.write(`${plainLine(snapshot(), new Date().toTimeString().slice(0, 8))}\n`);
  }, LINE_MS);
  return { stop: () => clearInterval(timer) };
}
