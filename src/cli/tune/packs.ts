import { type Payload, packed } from '../load/payload.ts';
import type { Paint } from '../terminal.ts';
import { HOST_BATCH_MS, REQUEST_FRAME_BYTES, RESULT_FRAME_BYTES, UNIT } from './size.ts';
import type { Trial } from './trial.ts';

/** What events of so many rows come to. */
export interface PackPoint {
  readonly rows: number;
  /** In the function. */
  readonly rowUs: number;
  /** Of one instance as large as this machine, its host included. */
  readonly rowsPerSecond: number;
  /** That one throughput unit carries, as requests and as results. */
  readonly rowsAUnit: number;
}

const ROWS = [1, 5, 10, 20, 50, 100, 200];
/** Rows of a batch of events, about; and events, at most, as host.json has it. */
const [BATCH_ROWS, MOST_EVENTS] = [4_000, 256];
/** Different rows: the same few again and again flatter a model. */
const DIFFERENT_ROWS = 2_000;
/** What the whole Functions host takes for an event whatever it holds (measured, two cores: 29,000 events/s). */
const HOST_EVENT_MS = 0.021;
/** Larger packs take longer to fill, and all of their rows end together: one with this share of the best is large enough. */
const ENOUGH = 0.8;

/** Times events of more and more rows. @param open a trial of these requests, run in the way that was chosen */
export async function measurePacks(
  payload: Payload,
  forMs: number,
  open: (bodies: readonly Buffer[]) => Promise<Trial>,
): Promise<readonly PackPoint[]> {
  const points: PackPoint[] = [];
  for (const rows of ROWS) {
    const of = tryPacked(payload, rows);
    if (of === undefined) continue;
    const bodies = Array.from({ length: Math.ceil(DIFFERENT_ROWS / rows) }, (_, n) => of.body(n, `tune-${n}`));
    const trial = await open(bodies);
    try {
      const { results, meanResultBytes } = await trial.check();
      if (results === 0) continue;
      const events = Math.max(1, Math.min(MOST_EVENTS, Math.floor(BATCH_ROWS / rows)));
      await trial.timeBatches(events, forMs); // until the engine has compiled what this size needs
      const times = (await trial.timeBatches(events, forMs)).map(({ tookMs }) => tookMs).sort((a, b) => a - b);
      const eventMs = (times[times.length >> 1] as number) / events;
      const requestBytes = bodies.reduce((sum, { length }) => sum + length, 0) / bodies.length;
      const bytes = requestBytes + REQUEST_FRAME_BYTES + meanResultBytes + RESULT_FRAME_BYTES;
      points.push({
        rows,
        rowUs: (1000 * eventMs) / rows,
        rowsPerSecond: (1000 * rows) / (eventMs + HOST_EVENT_MS + HOST_BATCH_MS / events),
        rowsAUnit: rows * Math.min(UNIT.inEvents / 2, UNIT.inBytes / bytes),
      });
    } finally {
      await trial.close();
    }
  }
  return points;
}

/** Undefined where requests differ beside their features, or so many rows are too many for an event. */
function tryPacked(payload: Payload, rows: number): Payload | undefined {
  try {
    return packed(payload, rows);
  } catch {
    return undefined;
  }
}

/** The smallest that brings most of what the best one does, in rows a second as in rows a throughput unit. */
export function choosePack(points: readonly PackPoint[]): PackPoint | undefined {
  const best = (of: (point: PackPoint) => number) => ENOUGH * Math.max(...points.map(of));
  return points.find(
    ({ rowsPerSecond, rowsAUnit }) =>
      rowsPerSecond >= best(point => point.rowsPerSecond) && rowsAUnit >= best(point => point.rowsAUnit),
  );
}

export function showPacks(points: readonly PackPoint[], paint: Paint): string[] {
  const [single] = points;
  const chosen = choosePack(points);
  if (single === undefined || chosen === undefined) return [];
  const row = (cells: readonly string[]) => ` ${cells.map((cell, i) => cell.padStart(i === 0 ? 14 : 22)).join('')}`;
  const times = (of: (point: PackPoint) => number) => (of(chosen) / of(single)).toFixed(1);
  return [
    paint('dim', row(['rows an event', 'rows/s, host included', 'µs a row here', 'rows a unit'])),
    ...points.map(point => {
      const text = row([String(point.rows), rate(point.rowsPerSecond), point.rowUs.toFixed(2), rate(point.rowsAUnit)]);
      return point === chosen ? `${paint('green', text)} ←` : text;
    }),
    chosen === single
      ? '   packs bring nothing: the model takes the time, or the bytes the throughput units'
      : `   packs of ${chosen.rows} pay: ${times(point => point.rowsPerSecond)} times the rows of single events, ${times(point => point.rowsAUnit)} times those of a throughput unit`,
  ];
}

const rate = (value: number) => Math.round(value).toLocaleString('en');
