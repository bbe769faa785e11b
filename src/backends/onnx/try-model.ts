import type { BackendInfo, PredictOptions } from '../../core/backend.ts';
import { asError } from '../../core/errors.ts';
import type { Signature, Tensor, Tensors } from '../../core/tensor.ts';
import { nameOfShape } from '../../core/words.ts';
import type { Engine } from './engine.ts';
import {
  arrange,
  type Layout,
  layoutsOf,
  type OutputAxes,
  shownInput,
  shownOutput,
  turnOutputs,
  unbatched,
} from './layout.ts';
import { keepsPadded, type Observed, observe } from './observe.ts';
import type { OnnxSource } from './onnx-source.ts';
import { type WarmUp, warmUp } from './warm-up.ts';

/** The model does not run on this thread: it takes longer than the limit that was set, or could. */
export class NotInline extends Error {
  override readonly name = 'NotInline';
}

/** A model whose slices take a second is not tried with still larger ones. */
const LONGEST_WARM_UP_MS = 1_000;
/** An output that is the same for every row is repeated for each: slices that would take more elements of it are smaller. */
const MOST_REPEATED = 2 ** 22;

/** What a batch of 256 takes, by its slices; of short slices no more than eight count, since the loop turns after each. */
function batchMs(sliceMs: number, rows: number): number {
  return sliceMs * Math.max(1, Math.min(256 / rows, 8));
}

function isSlow({ sliceMs, maxBatchSize, stopped }: WarmUp, limitMs: number): boolean {
  return stopped || batchMs(sliceMs, maxBatchSize) > limitMs;
}

export interface Tried {
  readonly info: Omit<BackendInfo, 'placement'>;
  /** Runs the model on tensors whose batch comes first, as it does in what it gives. */
  run(inputs: Tensors, options?: PredictOptions): Promise<Tensors>;
}

/**
 * Finds out how an open model is to be run: how its inputs lie, how many rows it takes, where its outputs have their rows, and whether a row's answer is its own.
 * @throws NotInline where a batch of 256 takes longer than `limitMs`, or could; Error naming the file where one instance fails.
 */
export async function tryModel(source: OnnxSource, engine: Engine, limitMs: number | undefined): Promise<Tried> {
  const declared = engine.signature;
  for (const { name, dims } of declared.inputs) {
    if (!dims.includes(0)) continue;
    throw new Error(`${source.title}: input ${name} has the shape ${nameOfShape(dims)}, which holds nothing`);
  }
  // Quick as it may be with short instances, long ones can take any time and memory.
  if (limitMs !== undefined && declared.inputs.some(({ dims }) => dims.includes(null, 1))) {
    throw new NotInline(`${source.title}: it takes instances of any length`);
  }
  const within = limitMs ?? LONGEST_WARM_UP_MS;
  const likeliest = await firstFitting(source, engine, layoutsOf(declared), within);
  if (limitMs !== undefined && isSlow(likeliest.warm, limitMs)) {
    throw new NotInline(`${source.title}: a batch takes more than ${limitMs} ms`);
  }
  const { layout, signature, warm, seen } = await observeFit(source, engine, likeliest, within);
  const { sliceMs, maxBatchSize } = warm;
  const given = arrange(engine.run, layout);
  const shown = {
    ...signature,
    outputs: declared.outputs.map(spec =>
      shownOutput(spec, seen.axes[spec.name], layout.unbatched, warm.plan.fixedBatch),
    ),
  };
  // The card is held against what the outputs were seen to be.
  if (Object.values(seen.axes).some(axis => axis !== 0)) source.plan(shown);
  const pads = !seen.apart && (await keepsPadded(given, warm.plan, seen.axes));
  const rows = seen.apart ? 1 : Math.max(1, Math.min(maxBatchSize, Math.floor(MOST_REPEATED / seen.repeated)));
  return {
    info: {
      signature: shown,
      warmUpMs: seen.apart ? Math.min(sliceMs, seen.rowMs) : sliceMs,
      memoryBytes: engine.memoryBytes,
      maxBatchSize: rows,
      ...(seen.apart && { apart: true }),
      ...(pads && { pads }),
      ...((seen.varies || source.random) && { varies: true }),
    },
    run: withOutputs(engine.run, layout, seen.axes),
  };
}

interface Fit {
  readonly layout: Layout;
  readonly signature: Signature;
  readonly warm: WarmUp;
}

interface SeenFit extends Fit {
  readonly seen: Observed;
}

/**
 * What running shows of a layout. A first dimension of one size, whose rows make one another's answers or have none of their own, is no batch: the model is then served unbatched, unless its card
 * speaks of rows.
 */
async function observeFit(source: OnnxSource, engine: Engine, fit: Fit, limitMs: number): Promise<SeenFit> {
  const { layout, warm } = fit;
  const run = arrange(engine.run, layout);
  const seen = await observe(run, warm.plan, warm.maxBatchSize, layout.unbatched, source.random === true);
  const follows = Object.values(seen.axes).some(axis => axis !== undefined);
  const rowless = seen.apart || !follows || contradicts(engine.signature, seen, warm);
  if (!warm.plan.fixedBatch || layout.unbatched || warm.maxBatchSize === 1 || !rowless) return { ...fit, seen };
  try {
    const whole = await firstFitting(source, engine, [unbatched(engine.signature.inputs)], limitMs);
    return await observeFit(source, engine, whole, limitMs);
  } catch {
    source.plan(fit.signature);
    return { ...fit, seen };
  }
}

/** Of plausible rows an output had as many as there were, but the file says that it has another number: what it is depends on them. */
function contradicts({ outputs }: Signature, { axes }: Observed, { maxBatchSize }: WarmUp): boolean {
  return outputs.some(({ name, dims }) => {
    const size = dims[axes[name] ?? dims.length];
    return typeof size === 'number' && size !== maxBatchSize;
  });
}

/** The likeliest layout that the model runs in. @throws Error of the likeliest one, where it runs in none. */
async function firstFitting(
  source: OnnxSource,
  engine: Engine,
  layouts: readonly Layout[],
  limitMs: number,
): Promise<Fit> {
  const { inputs, outputs, opaqueOutputs } = engine.signature;
  let failure: Error | undefined;
  for (const layout of layouts) {
    const signature = {
      inputs: inputs.map(spec => shownInput(spec, layout)),
      outputs: outputs.map(spec => shownOutput(spec, layout.unbatched ? undefined : 0, layout.unbatched)),
      opaqueOutputs,
      ...(layout.unbatched && { unbatched: true }),
    };
    try {
      const warm = await warmUp(source, source.plan(signature), arrange(engine.run, layout), limitMs);
      return { layout, signature, warm };
    } catch (thrown) {
      failure ??= asError(thrown);
    }
  }
  throw failure ?? new Error(`${source.title}: it has no inputs`);
}

/** Of an ordinary model, whose batch always comes first, the engine's own. */
function withOutputs(run: Engine['run'], layout: Layout, axes: OutputAxes): Engine['run'] {
  const given = arrange(run, layout);
  if (Object.values(axes).every(axis => axis === 0)) return given;
  return async (inputs, options) => turnOutputs(await given(inputs, options), axes, rowsIn(inputs));
}

function rowsIn(inputs: Tensors): number {
  for (const name in inputs) {
    const [rows] = (inputs[name] as Tensor).dims;
    if (rows !== undefined) return rows;
  }
  return 1;
}
