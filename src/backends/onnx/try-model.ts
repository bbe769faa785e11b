import type { BackendInfo, PredictOptions } from '../../core/backend.ts';
import { asError } from '../../core/errors.ts';
import type { Signature, Tensor, Tensors } from '../../core/tensor.ts';
import { nameOfShape } from '../../core/words.ts';
import type { Engine } from './engine.ts';
import { arrange, type Layout, layoutsOf, type OutputAxes, shownInput, shownOutput, turnOutputs } from './layout.ts';
import { keepsPadded, observe } from './observe.ts';
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
  const { layout, signature, warm } = await firstFitting(source, engine, limitMs ?? LONGEST_WARM_UP_MS);
  const { sliceMs, maxBatchSize, stopped } = warm;
  if (limitMs !== undefined && (stopped || batchMs(sliceMs, maxBatchSize) > limitMs)) {
    throw new NotInline(`${source.title}: a batch takes more than ${limitMs} ms`);
  }
  const given = arrange(engine.run, layout);
  const seen = await observe(given, warm.plan, maxBatchSize, layout.unbatched);
  const shown = {
    ...signature,
    outputs: declared.outputs.map(spec => shownOutput(spec, seen.axes[spec.name], layout.unbatched)),
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
      ...(seen.varies && { varies: true }),
    },
    run: withOutputs(engine.run, layout, seen.axes),
  };
}

interface Fit {
  readonly layout: Layout;
  readonly signature: Signature;
  readonly warm: WarmUp;
}

/** The likeliest layout that the model runs in. @throws Error of the likeliest one, where it runs in none. */
async function firstFitting(source: OnnxSource, engine: Engine, limitMs: number): Promise<Fit> {
  const { inputs, outputs, opaqueOutputs } = engine.signature;
  let failure: Error | undefined;
  for (const layout of layoutsOf(engine.signature)) {
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
