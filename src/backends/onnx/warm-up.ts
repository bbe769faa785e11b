import type { WarmUpPlan } from '../../core/backend.ts';
import { asError } from '../../core/errors.ts';
import type { Tensors } from '../../core/tensor.ts';
import { tidy } from './explain-failure.ts';
import type { OnnxSource } from './onnx-source.ts';

export interface WarmUp {
  /** What a slice of `maxBatchSize` took, milliseconds; of the largest one tried, where it stopped. */
  readonly sliceMs: number;
  readonly maxBatchSize: number;
  /** Slices got slower than the limit: the rest was not tried. */
  readonly stopped: boolean;
  /** The instances that it took. */
  readonly plan: WarmUpPlan;
}

/** A slice to try, and the longest it may take to be chosen. */
interface Step {
  readonly rows: number;
  readonly withinMs: number;
}

/**
 * Slices of models whose card names no size: 1000 of a light model, 256 of a medium one, 32 of a heavy one, which others would
 * wait for too long. Smaller ones cost throughput: a network of 2.5 million weights took 136 µs for one row alone and 25 a row in
 * slices of 32; on a busy machine, where its weights come from memory again for every slice, a fifth more than in slices of 256.
 */
const CHOICE: readonly Step[] = [
  { rows: 8, withinMs: 1000 },
  { rows: 32, withinMs: 1000 },
  { rows: 256, withinMs: 25 },
  { rows: 1000, withinMs: 1 },
];

/** A first run this long is the model's own doing, whatever else the machine does. */
const HOPELESS_MS = 50;

/**
 * Tries a model with the plan's instances, and with others where these fail: a model is refused only where it takes none.
 * @throws Error naming the file where one instance fails, with what the runtime says of the first that was tried.
 */
export async function warmUp(
  source: OnnxSource,
  plan: WarmUpPlan,
  run: (inputs: Tensors) => Promise<Tensors>,
  limitMs: number,
): Promise<WarmUp> {
  const { plainer = [], sizes = [], advice } = plan;
  let failure: Error | undefined;
  let best: WarmUp | undefined;
  for (const other of [plan, ...plainer, ...sizes]) {
    // A model that takes one row at a time has been found out by then.
    if (best && sizes.includes(other)) break;
    try {
      const found = await tryPlan(other, run, limitMs);
      if (!best || found.maxBatchSize > best.maxBatchSize) best = found;
      if (found.stopped || !found.failed) return best;
    } catch (thrown) {
      failure ??= asError(thrown);
    }
  }
  if (best) return best;
  const said = `${source.title}: fails at its first run: ${tidy(failure?.message ?? '')}`;
  throw new Error(advice === undefined ? said : `${said}; ${advice}`, { cause: failure });
}

/**
 * Runs one instance, then ever larger slices, and times them. Sizes grow about eightfold and stop once a slice takes longer than
 * `limitMs`, so that on the main thread a heavy model stalls the loop for about ten times that, or for one instance. Where the plan
 * leaves the size open, the largest slice of `CHOICE` is taken that is quick enough.
 * A model that takes one instance but no larger slice (a batch dimension that is dynamic by name only) is left with 1.
 * @throws Error as the runtime words it where one instance fails.
 */
async function tryPlan(
  plan: WarmUpPlan,
  run: (inputs: Tensors) => Promise<Tensors>,
  limitMs: number,
): Promise<WarmUp & { readonly failed: boolean }> {
  let rows = plan.fixedBatch ? (plan.maxBatchSize ?? 1) : 1;
  let sliceMs = await timed(run, plan.inputs(rows));
  const tooSlow = () => ({ sliceMs, maxBatchSize: plan.maxBatchSize ?? rows, stopped: true, failed: false, plan });
  // A first run also allocates, and on a busy machine it waits: it says little of the time, unless it is hopeless.
  if (sliceMs > Math.max(10 * limitMs, HOPELESS_MS)) return tooSlow();
  sliceMs = await quickest(run, plan.inputs(rows));
  let rowMs = 0;
  for (const next of plan.fixedBatch ? [] : stepsTo(plan.maxBatchSize)) {
    if (sliceMs > limitMs) return tooSlow();
    if (sliceMs + rowMs * (next.rows - rows) > 2 * next.withinMs) break;
    const inputs = plan.inputs(next.rows);
    try {
      const nextMs = await quickest(run, inputs);
      if (nextMs > next.withinMs) break;
      rowMs = (nextMs - sliceMs) / (next.rows - rows);
      sliceMs = nextMs;
      rows = next.rows;
    } catch {
      return { sliceMs, maxBatchSize: rows, stopped: sliceMs > limitMs, failed: rows === 1, plan };
    }
  }
  return { sliceMs, maxBatchSize: rows, stopped: sliceMs > limitMs, failed: false, plan };
}

function stepsTo(planned: number | undefined): readonly Step[] {
  if (planned === undefined) return CHOICE;
  const steps: Step[] = [];
  for (let rows = 1; rows < planned; ) {
    rows = Math.min(rows * 8, planned);
    steps.push({ rows, withinMs: Number.POSITIVE_INFINITY });
  }
  return steps;
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
  let start = performance.now();
  // The runtime begins with the next turn of the event loop; what keeps the loop until then, as a start-up does, is not the model's doing.
  setImmediate(() => {
    start = performance.now();
  });
  await run(inputs);
  return performance.now() - start;
}
