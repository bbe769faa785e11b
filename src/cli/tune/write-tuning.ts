import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { asError } from '../../core/errors.ts';
import { parseCard } from '../../models/card.ts';
import { CommandError } from '../terminal.ts';
import type { Choice, Point, SideBySide } from './choose.ts';
import type { PackPoint } from './packs.ts';
import type { Demand, Sizing } from './size.ts';

/** What was measured, where and when: the evidence for a choice, as it stands in the card. */
export interface Tuning {
  /** ISO 8601 */
  readonly measured_at: string;
  readonly hubscore: string;
  readonly machine: { readonly cpu: string; readonly cores: number; readonly node: string };
  /** What was scored. */
  readonly requests: string;
  /** Of a request of one row, and of its result: bodies, on average. */
  readonly request_bytes: number;
  readonly result_bytes: number;
  readonly why: readonly string[];
  readonly curve: readonly TunedPoint[];
  readonly side_by_side: readonly TunedSide[];
  /** Events of several rows. */
  readonly packs: readonly TunedPack[];
  readonly sizing?: TunedSizing | undefined;
}

interface TunedPoint {
  readonly placement: string;
  readonly intra_op_threads: number;
  readonly batch: number;
  readonly batch_ms: number;
  readonly model_ms: number;
  readonly per_second: number;
}

interface TunedSide extends Omit<TunedPoint, 'batch_ms' | 'model_ms'> {
  readonly partitions: number;
  readonly p50_ms: number;
  readonly p95_ms: number;
  readonly timers_late_p99_ms: number;
}

interface TunedPack {
  readonly rows: number;
  readonly row_us: number;
  readonly rows_per_second: number;
  readonly rows_a_throughput_unit: number;
}

interface TunedSizing {
  readonly rate: number;
  readonly instances: number;
  readonly instance_cores: number;
  readonly partitions: number;
  readonly throughput_units: number;
}

export const tunedSizing = ({ rate, instanceCores }: Demand, sizing: Sizing): TunedSizing => ({
  rate,
  instances: sizing.instances,
  instance_cores: instanceCores,
  partitions: sizing.partitions,
  throughput_units: sizing.throughputUnits,
});

export const tunedPack = ({ rows, rowUs, rowsPerSecond, rowsAUnit }: PackPoint): TunedPack => ({
  rows,
  row_us: short(rowUs),
  rows_per_second: Math.round(rowsPerSecond),
  rows_a_throughput_unit: Math.round(rowsAUnit),
});

export const tunedPoint = ({ placement, threads, batch, batchMs, modelMs, perSecond }: Point): TunedPoint => ({
  placement,
  intra_op_threads: threads,
  batch,
  batch_ms: short(batchMs),
  model_ms: short(modelMs),
  per_second: Math.round(perSecond),
});

export const tunedSide = (side: SideBySide): TunedSide => ({
  placement: side.placement,
  intra_op_threads: side.threads,
  batch: side.batch,
  partitions: side.streams,
  per_second: Math.round(side.perSecond),
  p50_ms: short(side.p50Ms),
  p95_ms: short(side.p95Ms),
  timers_late_p99_ms: short(side.timersLateMs),
});

/**
 * Puts the choice and its evidence into a card; what else stands there stays. A card that is not there is made.
 * @param fixedBatch the model takes no other batch, so its size is no setting
 */
export function writeCard(path: string, choice: Choice, tuning: Tuning, fixedBatch: boolean): void {
  const text = existsSync(path) ? readFileSync(path, 'utf8') : '{}';
  const card = parseCard(text, path);
  const own = JSON.parse(text.replace(/^\uFEFF/, '')) as Record<string, unknown>;
  const next = {
    ...own,
    ...(!fixedBatch && { batching: { ...card.batching, max_batch_size: choice.batch } }),
    runtime: { ...card.runtime, placement: choice.placement, intra_op_threads: choice.threads },
    tuning,
  };
  writeFileSync(path, `${JSON.stringify(next, null, 2)}\n`);
}

const BATCH_SIZE = /("maxEventBatchSize"\s*:\s*)(\d+)/;

/** The text of a host.json, and the `maxEventBatchSize` in it. @throws CommandError where it cannot be read or has no such setting. */
export function readHostJson(path: string): { readonly text: string; readonly batch: number } {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
    JSON.parse(text);
  } catch (thrown) {
    const { message } = asError(thrown);
    const said = (thrown as NodeJS.ErrnoException).code === undefined ? `${path}: not JSON: ${message}` : message;
    throw new CommandError(said, 'Nothing was written to it.', { cause: thrown });
  }
  const found = BATCH_SIZE.exec(text);
  if (found) return { text, batch: Number(found[2]) };
  throw new CommandError(
    `${path} has no extensions.eventHubs.maxEventBatchSize`,
    'Add "maxEventBatchSize": 1000 there.',
  );
}

/**
 * Raises `maxEventBatchSize` in a host.json and touches nothing else of its text. It is never lowered: what is enough for one model may be too little for the
 * others of the app.
 * @returns what stands there now @throws CommandError as `readHostJson`
 */
export function writeHostJson(path: string, batch: number): number {
  const { text, batch: before } = readHostJson(path);
  if (batch <= before) return before;
  writeFileSync(path, text.replace(BATCH_SIZE, `$1${batch}`));
  return batch;
}

const short = (value: number) => Number(value.toPrecision(3));
