import { WaitedTooLong } from '../../core/backend.ts';
import { asError, InfrastructureError, RequestError } from '../../core/errors.ts';
import type { ModelVersion } from '../../core/model.ts';
import type { Tensors } from '../../core/tensor.ts';
import type { Chunk } from '../chunk.ts';
import type { Run } from '../run.ts';
import { groupByLength, inOrder } from './by-length.ts';
import { type Inference, type Slice, sliceRows } from './slices.ts';

/**
 * Runs the model over a chunk, a slice at a time. A slice that fails, or whose outputs make no predictions, is halved until the bad rows stand alone.
 * @throws WaitedTooLong where the first deadline passed while it waited for its turn; InfrastructureError; the signal's reason where it is aborted.
 */
export async function infer(chunk: Chunk, { signal, clock, slices: timings }: Run): Promise<Inference> {
  const { version, rows, priority, deadlineMs, stages } = chunk;
  const limit = sliceRows(version);
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
      const outputs = (await predictByLength(from, to)) ?? (await predict(rows.tensors(from, to, size)));
      const slice = { from, to, size, outputs, computeMs: performance.now() - start };
      stages.interpreter.check(slice);
      slices.push(slice);
      timings.push({
        model: version.name,
        modelVersion: version.label,
        instances: to - from,
        computeMs: slice.computeMs,
      });
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

  for (let from = 0; from < rows.count; from += limit.rows)
    await attempt(from, Math.min(from + limit.rows, rows.count));
  return { slices, failed, scoredAtMs: clock() };
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
