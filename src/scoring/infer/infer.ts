import { WaitedTooLong } from '../../core/backend.ts';
import { asError, InfrastructureError, RequestError } from '../../core/errors.ts';
import type { Clock } from '../../core/log.ts';
import type { ModelVersion } from '../../core/model.ts';
import type { SliceTiming } from '../../core/outcome.ts';
import type { Tensors } from '../../core/tensor.ts';
import type { AnswerColumns } from '../answers/answer-columns.ts';
import type { Plan } from '../plan.ts';
import type { Rows } from '../rows/rows.ts';
import { groupByLength, inOrder } from './by-length.ts';

/** What the model said of rows `from` to `to`. */
export interface Slice {
  readonly from: number;
  readonly to: number;
  readonly answers: AnswerColumns;
  readonly computeMs: number;
  readonly scoredAtMs: number;
}

/** What became of rows: each is in a slice, ascending, or failed. */
export interface Inference {
  readonly slices: readonly Slice[];
  readonly failed: ReadonlyMap<number, RequestError>;
}

export interface InferOptions {
  readonly signal: AbortSignal;
  readonly clock: Clock;
  /** The most urgent of the rows'. */
  readonly priority: number;
  /** The first of the rows' deadlines, milliseconds since the epoch; infinite where none has one. */
  readonly deadlineMs: number;
  /** Told of every slice that ran. */
  readonly timings: SliceTiming[];
}

/**
 * Runs the model over rows `from` to `to`, no more than a slice of them. A slice that fails, or whose outputs are no answers, is halved until the bad rows stand alone.
 * @throws WaitedTooLong where the first deadline passed while it waited for its turn; InfrastructureError; the signal's reason where it is aborted.
 */
export async function infer(
  plan: Plan,
  rows: Rows,
  from: number,
  to: number,
  { signal, clock, priority, deadlineMs, timings }: InferOptions,
): Promise<Inference> {
  const { version, slice: limit } = plan;
  const lent = version.backend.info.placement === 'in-line';
  const slices: Slice[] = [];
  const failed = new Map<number, RequestError>();

  async function attempt(from: number, to: number): Promise<void> {
    signal.throwIfAborted();
    if (to - from > 1 && rows.isWasteful(from, to)) {
      await halves(from, to);
      return;
    }
    try {
      const size = limit.fixed ? limit.rows : to - from;
      const start = performance.now();
      const outputs = (await predictByLength(from, to)) ?? (await predict(rows.tensors(from, to, size, lent)));
      const computeMs = performance.now() - start;
      const answers = plan.readAnswers(outputs, to - from, size);
      slices.push({ from, to, answers, computeMs, scoredAtMs: clock() });
      timings.push({ model: version.name, modelVersion: version.label, instances: to - from, computeMs });
    } catch (thrown) {
      signal.throwIfAborted();
      if (thrown instanceof InfrastructureError || thrown instanceof WaitedTooLong) throw thrown;
      if (to - from === 1 || isAway(thrown)) {
        for (let row = from; row < to; row++) failed.set(row, inferenceFailed(version, thrown));
        return;
      }
      await halves(from, to);
    }
  }

  function predict(inputs: Tensors): Promise<Tensors> {
    return version.backend.predict(inputs, { signal, priority, maxWaitMs: Math.max(0, deadlineMs - clock()) });
  }

  /** Undefined where texts are too much alike for that, or their outputs cannot be put together again. */
  async function predictByLength(from: number, to: number): Promise<Tensors | undefined> {
    const lengths = limit.fixed ? undefined : rows.textLengths(from, to);
    const groups = lengths && groupByLength(lengths);
    if (!groups) return undefined;
    const outputs: Tensors[] = [];
    for (const group of groups) {
      outputs.push(await predict(rows.pick(group.map(place => from + place)).tensors(0, group.length, group.length)));
    }
    return inOrder(groups, outputs);
  }

  async function halves(from: number, to: number): Promise<void> {
    const middle = (from + to) >>> 1;
    await attempt(from, middle);
    await attempt(middle, to);
  }

  await attempt(from, to);
  return { slices, failed };
}

/** No row is to blame where the backend itself cannot be had; halving would only ask it again and again. */
function isAway(thrown: unknown): boolean {
  return thrown instanceof RequestError && thrown.code === 'model_unavailable';
}

const MAX_REASON_LENGTH = 300;

function inferenceFailed({ name, version }: ModelVersion, thrown: unknown): RequestError {
  if (thrown instanceof RequestError) return thrown;
  const cause = asError(thrown);
  const reason = cause.message.replaceAll(/\s+/g, ' ').slice(0, MAX_REASON_LENGTH);
  return new RequestError('inference_failed', 'infer', `${name} ${version} failed: ${reason}`, { cause });
}
