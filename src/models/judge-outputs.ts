import type { Backend, WarmUpPlan } from '../core/backend.ts';
import { fromHalf } from '../core/half.ts';
import type { OutputRoles } from '../core/model.ts';
import { areProbabilities } from '../core/probabilities.ts';
import type { Tensor, Tensors } from '../core/tensor.ts';

/** Instances that are tried: decision values may look like probabilities in one row, not in several. */
const TRIED_ROWS = 8;
/** A model that takes longer for a slice is judged by one. */
const PATIENCE_MS = 100;

/**
 * What the outputs of a classifier turn out to hold, by what it says of plausible instances: whether labels exclude each other, and whether
 * scores are probabilities. Names and shapes cannot tell: converters call decision values `probabilities`.
 */
export async function judgeOutputs(roles: OutputRoles, backend: Backend, plan: WarmUpPlan): Promise<OutputRoles> {
  const { label, probabilities, activation, extra } = roles;
  if (label === undefined && probabilities === undefined) return roles;
  const slices = await trySlices(backend, plan);
  const multilabel = slices.some(({ rows, outputs }) => widthOf(outputs[label ?? ''], rows) > 1);
  // The file's own classes are those of each label, not its labels.
  const judged = multilabel ? { ...roles, multilabel, classes: roles.namedClasses ? roles.classes : undefined } : roles;
  if (probabilities === undefined || activation === 'softmax' || activation === 'sigmoid') return judged;
  const tried = slices.flatMap(({ rows, outputs }) => rowsOf(outputs[probabilities], rows));
  const scores = tried.filter(row => row.every(Number.isFinite));
  const outside = scores.some(row => !areProbabilities(row, false));
  const exclusive = !multilabel && widthOf(slices[0]?.outputs[probabilities], slices[0]?.rows ?? 1) > 1;
  const right = scores.filter(row => areProbabilities(row, exclusive)).length;
  // Extreme instances take the odd row of a good model to zeros all over: that row alone is without probabilities then.
  if (scores.length === 0 || (!outside && right >= scores.length / 2)) return judged;
  return { ...judged, probabilities: undefined, scores: probabilities, extra: [...extra, probabilities] };
}

interface Slice {
  readonly rows: number;
  readonly outputs: Tensors;
}

/** None where the model fails on them: it serves all the same, and each row is judged by itself. */
async function trySlices(backend: Backend, plan: WarmUpPlan): Promise<readonly Slice[]> {
  const { maxBatchSize, warmUpMs } = backend.info;
  const rows = plan.fixedBatch ? (plan.maxBatchSize ?? 1) : Math.min(TRIED_ROWS, maxBatchSize);
  const count = warmUpMs > PATIENCE_MS ? 1 : Math.ceil(TRIED_ROWS / rows);
  const inputs = plan.inputs(rows * count);
  const slices: Slice[] = [];
  try {
    for (let i = 0; i < count; i++) {
      const part = Object.entries(inputs).map(([name, tensor]) => [name, partOf(tensor, i, count)]);
      slices.push({ rows, outputs: await backend.predict(Object.fromEntries(part)) });
    }
  } catch {}
  return slices;
}

function partOf({ type, dims, data }: Tensor, part: number, count: number): Tensor {
  const size = data.length / count;
  return {
    type,
    dims: [(dims[0] ?? count) / count, ...dims.slice(1)],
    data: data.slice(part * size, (part + 1) * size),
  };
}

function widthOf(tensor: Tensor | undefined, rows: number): number {
  return tensor === undefined ? 0 : tensor.data.length / rows;
}

function rowsOf(tensor: Tensor | undefined, rows: number): number[][] {
  if (tensor === undefined) return [];
  const { type, data } = tensor;
  const numbers = Array.from(data as ArrayLike<number | bigint | string>, value =>
    type === 'float16' ? fromHalf(value as number) : Number(value),
  );
  const width = numbers.length / rows;
  return Array.from({ length: rows }, (_, row) => numbers.slice(row * width, (row + 1) * width));
}
