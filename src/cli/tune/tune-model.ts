import { cpus } from 'node:os';
import { createLoaders } from '../../app/create-loaders.ts';
import { availableCores } from '../../backends/onnx/cores.ts';
import type { Settings } from '../../config/config.ts';
import { VERSION } from '../../core/version.ts';
import type { RawCard } from '../../models/card.ts';
import type { ModelFiles } from '../../models/open-files.ts';
import type { Payload } from '../load/payload.ts';
import { CommandError } from '../terminal.ts';
import { type Choice, choose, isWay, kneeOf, type Way } from './choose.ts';
import { measurePacks, type PackPoint } from './packs.ts';
import { type Demand, HOST_BATCH_MS, HOST_EVENT_MS } from './size.ts';
import { type Measured, sweep } from './sweep.ts';
import { type Checked, openTrial, type Trial } from './trial.ts';

/** A model on disk and what it is to be measured with. */
export interface TuneJob {
  readonly files: ModelFiles;
  readonly card: RawCard;
  /** The only batch that the model takes; undefined: any. */
  readonly fixedBatch: number | undefined;
  readonly payload: Payload;
  readonly settings: Settings;
  readonly largestBatch: number;
  readonly forMs: number;
  readonly signal: AbortSignal;
  onProgress(done: number, of: number): void;
}

export interface Tuned extends Measured {
  readonly choice: Choice;
  /** Events that the host should bring at once: its own work for a batch counts here too. */
  readonly hostBatch: number;
  readonly checked: Checked;
  readonly packs: readonly PackPoint[];
  readonly machine: { readonly cpu: string; readonly cores: number; readonly node: string };
  readonly version: string;
  /** What sizing needs, but for the rate and the instances. */
  readonly demand: Omit<Demand, 'rate' | 'instanceCores'>;
}

const BATCHES = [1, 4, 16, 32, 64, 128, 256, 512, 1000, 2000, 4000];
const LONGEST_BATCH_MS = 1000;
const MOST_REQUESTS = 1000;
const QUIET = { info() {}, warn() {}, error() {} };

/**
 * Measures every way to run a model, and chooses.
 * @throws CommandError where no request can be scored.
 */
export async function tuneModel(job: TuneJob): Promise<Tuned> {
  const { files, card, settings, payload, fixedBatch } = job;
  const cores = availableCores();
  const poolThreads = settings.WORKER_THREADS ?? Math.max(1, cores - 1);
  const bodies = Array.from({ length: Math.max(MOST_REQUESTS, fixedBatch ?? 0) }, (_, n) =>
    payload.body(n, `tune-${n}`),
  );
  const openWith = async (way: Way, maxBatch: number, bodies: readonly Buffer[]): Promise<Trial> => {
    const { loaders, close: closeLoaders } = createLoaders(settings, QUIET);
    try {
      const trial = await openTrial(files, card, way, fixedBatch ?? maxBatch, bodies, loaders);
      const close = () => trial.close().then(closeLoaders);
      return { ...trial, close };
    } catch (thrown) {
      await closeLoaders();
      throw thrown;
    }
  };
  const open = (way: Way, maxBatch: number) => openWith(way, maxBatch, bodies);
  const ways = waysOn(cores, poolThreads);
  const checked = await check(open, ways[0] as Way);
  const batches = fixedBatch ? [fixedBatch] : batchesTo(job.largestBatch);
  const limits = { inlineMaxMs: settings.INLINE_MAX_MS, workerMinMs: settings.WORKER_MIN_MS, cores };
  const measured = await sweep({
    ways,
    batches,
    streams: cores,
    limits,
    forMs: job.forMs,
    longestMs: LONGEST_BATCH_MS,
    signal: job.signal,
    open,
    onProgress: job.onProgress,
  });
  const choice = choose(measured.points, measured.sides, limits);
  const hosted = kneeOf(
    measured.points.filter(isWay(choice)).map(point => {
      const batchMs = point.batchMs + HOST_BATCH_MS + HOST_EVENT_MS * point.batch;
      return { ...point, perSecond: (1000 * point.batch) / batchMs };
    }),
  );
  const packs = await measurePacks(payload, job.forMs, rows => openWith(choice, choice.batch, rows));
  const side = measured.sides.find(isWay(choice));
  return {
    ...measured,
    choice,
    hostBatch: hosted.batch,
    checked,
    packs,
    machine: { cpu: cpus()[0]?.model.trim() ?? 'unknown', cores, node: process.version },
    version: VERSION,
    demand: {
      perSecond: side?.perSecond ?? 0,
      machineCores: cores,
      batch: hosted.batch,
      batchMs: hosted.batchMs,
      requestBytes: bodies.reduce((sum, { length }) => sum + length, 0) / bodies.length,
      resultBytes: checked.meanResultBytes,
    },
  };
}

async function check(open: (way: Way, maxBatch: number) => Promise<Trial>, way: Way): Promise<Checked> {
  const trial = await open(way, 32);
  try {
    const checked = await trial.check();
    if (checked.results > 0) return checked;
    throw new CommandError(
      `none of the requests can be scored: ${checked.reason}`,
      'Give requests that fit the model: --cases FILE.',
    );
  } finally {
    await trial.close();
  }
}

/** In-line and in workers, each with 1, 2, 4 … threads a slice up to the machine's cores. */
export function waysOn(cores: number, poolThreads: number): Way[] {
  const threads = [1, 2, 4, 8, 16, 32, 64].filter(count => count < cores);
  const placements = poolThreads === 0 ? (['in-line'] as const) : (['in-line', 'worker'] as const);
  return placements.flatMap(placement => [...threads, cores].map(count => ({ placement, threads: count })));
}

/** Up to the largest, which is tried too. */
export function batchesTo(largest: number): number[] {
  return [...BATCHES.filter(batch => batch < largest), largest];
}
