import type { BackendSource, WarmUpPlan } from '../../core/backend.ts';
import { asError } from '../../core/errors.ts';
import type { Tensors } from '../../core/tensor.ts';
import { tidy } from './explain-failure.ts';

export interface WarmUp {
  /** What the largest slice took, milliseconds. */
  readonly sliceMs: number;
  readonly maxBatchSize: number;
  /** Slices got slower than the limit: the rest was not tried. */
  readonly stopped: boolean;
}

/**
 * Runs one instance, then ever larger slices up to the planned size, and times them. Sizes grow eightfold and stop once a slice
 * takes longer than `limitMs`, so that on the main thread a heavy model stalls the loop no longer than about ten times that.
 * A model that takes one instance but no larger slice (a batch dimension that is dynamic by name only) is left with 1.
 * @throws Error naming the file where one instance fails.
 */
export async function warmUp(
  source: BackendSource,
  plan: WarmUpPlan,
  run: (inputs: Tensors) => Promise<Tensors>,
  limitMs: number,
): Promise<WarmUp> {
  let sliceMs: number;
  let rows = plan.fixedBatch ? plan.maxBatchSize : 1;
  try {
    await run(plan.inputs(rows)); // the first run allocates; it says nothing of the time
    sliceMs = await timed(run, plan.inputs(rows));
  } catch (thrown) {
    const cause = asError(thrown);
    throw new Error(`${source.title}: fails at its first run: ${tidy(cause.message)}`, { cause });
  }
  while (rows < plan.maxBatchSize) {
    if (sliceMs > limitMs) return { sliceMs, maxBatchSize: plan.maxBatchSize, stopped: true };
    rows = Math.min(rows * 8, plan.maxBatchSize);
    const inputs = plan.inputs(rows);
    try {
      await run(inputs);
      sliceMs = await timed(run, inputs);
    } catch {
      return { sliceMs, maxBatchSize: 1, stopped: false };
    }
  }
  return { sliceMs, maxBatchSize: plan.maxBatchSize, stopped: sliceMs > limitMs };
}

/** The quicker of two: one hiccup of the machine must not decide where a model runs. */
async function timed(run: (inputs: Tensors) => Promise<Tensors>, inputs: Tensors): Promise<number> {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 2; round++) {
    const start = performance.now();
    await run(inputs);
    best = Math.min(best, performance.now() - start);
  }
  return best;
}
