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
 * takes longer than `limitMs`, so that on the main thread a heavy model stalls the loop for about ten times that, or for one instance.
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
    const firstMs = await timed(run, plan.inputs(rows));
    // A first run also allocates, so it says little of the time, unless it is hopeless.
    if (firstMs > 10 * limitMs) return { sliceMs: firstMs, maxBatchSize: plan.maxBatchSize, stopped: true };
    sliceMs = await quickest(run, plan.inputs(rows));
  } catch (thrown) {
    const cause = asError(thrown);
    throw new Error(`${source.title}: fails at its first run: ${tidy(cause.message)}`, { cause });
  }
  while (rows < plan.maxBatchSize) {
    if (sliceMs > limitMs) return { sliceMs, maxBatchSize: plan.maxBatchSize, stopped: true };
    rows = Math.min(rows * 8, plan.maxBatchSize);
    const inputs = plan.inputs(rows);
    try {
      sliceMs = await quickest(run, inputs);
    } catch {
      return { sliceMs, maxBatchSize: 1, stopped: false };
    }
  }
  return { sliceMs, maxBatchSize: plan.maxBatchSize, stopped: sliceMs > limitMs };
}

/** The quickest of three, where they are short: one hiccup of the machine must not decide where a model runs. */
async function quickest(run: (inputs: Tensors) => Promise<Tensors>, inputs: Tensors): Promise<number> {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 3 && (round === 0 || best < 50); round++) {
    best = Math.min(best, await timed(run, inputs));
  }
  return best;
}

async function timed(run: (inputs: Tensors) => Promise<Tensors>, inputs: Tensors): Promise<number> {
  const start = performance.now();
  await run(inputs);
  return performance.now() - start;
}
