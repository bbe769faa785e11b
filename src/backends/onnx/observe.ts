import type { WarmUpPlan } from '../../core/backend.ts';
import { fromHalf } from '../../core/half.ts';
import type { Tensor, Tensors } from '../../core/tensor.ts';
import { type OutputAxes, turnOutputs } from './layout.ts';
import { batchFirst } from './turn.ts';

/** What running a few rows, alone and together, shows of a model. */
export interface Observed {
  readonly axes: OutputAxes;
  /** A row's answer changes with those beside it, or cannot be told from theirs. */
  readonly apart: boolean;
  /** It answers the same row differently. */
  readonly varies: boolean;
  /** What a row took alone, milliseconds. */
  readonly rowMs: number;
  /** Elements that are the same for every row. */
  readonly repeated: number;
}

type Run = (inputs: Tensors) => Promise<Tensors>;

/** A difference below this share of a row's largest number is how a processor rounds; half precision rounds to a thousandth. */
const ROUNDING = 1e-4;
const HALF_ROUNDING = 5e-3;
/** How often a model with operators of chance is asked the same before its answers count as steady. */
const REPEATS = 20;

/**
 * Runs one, two and three rows to see which dimension of each output follows (what a file declares of its outputs can be wrong), then the rows alone, whose answers must be those that they had
 * together. Rows are what the plan gives; `random`: the graph has operators of chance. The first, plainest one is not compared, since a tie may fall either way.
 */
export async function observe(
  run: Run,
  plan: WarmUpPlan,
  maxBatchSize: number,
  unbatched: boolean,
  random: boolean,
): Promise<Observed> {
  if (plan.fixedBatch) return observeFixed(run, plan.inputs(maxBatchSize), maxBatchSize, unbatched);
  const inputs = plan.inputs(3);
  const first = pickAll(inputs, [0]);
  const one = await run(first);
  const more = await tryRuns(run, [pickAll(inputs, [0, 1]), inputs]);
  if (more === undefined) {
    const [other, ...others] = maxBatchSize > 1 ? (plan.plainer ?? []) : [];
    if (other) return observe(run, { ...other, plainer: others }, maxBatchSize, unbatched, random);
    return observeSingle(run, first, one, unbatched);
  }
  const axes = axesOf(one, (_, name) => following([one, ...more].map(outputs => (outputs[name] as Tensor).dims)));
  const steady = Object.keys(one).every(name => keepsShape([one, ...more], name, axes[name]));
  const [second, third] = [pickAll(inputs, [1]), pickAll(inputs, [2])];
  const answers = [turnOutputs(await run(second), axes, 1), turnOutputs(await run(third), axes, 1)] as const;
  const start = performance.now();
  const again = turnOutputs(await run(third), axes, 1);
  const rowMs = performance.now() - start;
  let varies = !alike(answers[1], again);
  const together = steady ? turnOutputs(more[1] as Tensors, axes, 3) : undefined;
  const sameTogether = together && answers.every((answer, i) => alike(answer, pickAll(together, [i + 1])));
  // Two answers by chance may be as near as rounding; it is the neighbours only where many are.
  for (let left = random && !sameTogether ? REPEATS : 0; left > 0 && !varies; left--) {
    varies = !alike(answers[1], turnOutputs(await run(third), axes, 1));
  }
  const own = together && (varies || sameTogether);
  return { axes, apart: !own, varies, rowMs, repeated: repeatedIn(one, axes) };
}

/** Of a model that takes one row at a time. */
async function observeSingle(run: Run, inputs: Tensors, first: Tensors, unbatched: boolean): Promise<Observed> {
  const start = performance.now();
  const varies = !alike(first, await run(inputs));
  const axes = axesOf(first, ({ dims }) => (!unbatched && dims[0] === 1 ? 0 : undefined));
  return { axes, apart: false, varies, rowMs: performance.now() - start, repeated: 1 };
}

/** Whether an instance that is padded beside longer ones is answered as it is alone. */
export async function keepsPadded(run: Run, plan: WarmUpPlan, axes: OutputAxes): Promise<boolean> {
  const padded = plan.padded?.();
  if (padded === undefined) return false;
  const runs = await tryRuns(run, [padded.alone, padded.beside]);
  const [alone, beside] = runs ?? [];
  if (alone === undefined || beside === undefined) return false;
  const made = plan.answers ?? ((_, outputs: Tensors) => outputs);
  const own = made(padded.alone, turnOutputs(alone, axes, 1));
  return alike(own, pickAll(made(padded.beside, turnOutputs(beside, axes, 2)), [0]));
}

async function tryRuns(run: Run, inputs: readonly Tensors[]): Promise<readonly Tensors[] | undefined> {
  const outputs: Tensors[] = [];
  try {
    for (const rows of inputs) outputs.push(await run(rows));
    return outputs;
  } catch {
    return undefined;
  }
}

/** The same of a model that takes no other number of rows: its rows change places, and one stands beside copies of itself. */
async function observeFixed(run: Run, inputs: Tensors, size: number, unbatched: boolean): Promise<Observed> {
  const first = await run(inputs);
  if (size === 1) return observeSingle(run, inputs, first, unbatched);
  const start = performance.now();
  const varies = !alike(first, await run(inputs));
  const rowMs = performance.now() - start;
  const places = [...Array.from({ length: size - 1 }, (_, place) => place + 1), 0];
  const turned = await run(pickAll(inputs, places));
  const axes = axesOf(first, (tensor, name) => {
    const other = turned[name] as Tensor;
    const candidates = tensor.dims.flatMap((length, axis) => (length === size ? [axis] : []));
    const moves = (axis: number) => alikeTensors(pick(batchFirst(tensor, axis), places), batchFirst(other, axis));
    return candidates.find(moves) ?? (alikeTensors(tensor, other) ? undefined : candidates[0]);
  });
  const row = turnOutputs(await run(pickAll(inputs, new Array<number>(size).fill(1))), axes, size);
  const apart = !varies && !alike(pickAll(row, [0]), pickAll(turnOutputs(first, axes, size), [1]));
  return { axes, apart, varies, rowMs, repeated: repeatedIn(first, axes) };
}

/** Of shapes of one, two and three rows: the dimension that is as long as there are rows. */
function following([one = [], two = [], three = []]: readonly (readonly number[])[]): number | undefined {
  const axis = one.findIndex((size, at) => size === 1 && two[at] === 2 && three[at] === 3);
  return axis < 0 ? undefined : axis;
}

/** Whether an output's shape is the same in all runs but for its batch. */
function keepsShape(runs: readonly Tensors[], name: string, axis: number | undefined): boolean {
  const shapes = runs.map(outputs => (outputs[name] as Tensor).dims);
  return new Set(shapes.map(dims => (axis === undefined ? dims : dims.toSpliced(axis, 1)).join())).size === 1;
}

/** Elements of the outputs that have no batch; 1 where there are none. */
function repeatedIn(outputs: Tensors, axes: OutputAxes): number {
  const whole = Object.entries(outputs).filter(([name]) => axes[name] === undefined);
  return Math.max(1, ...whole.map(([, { data }]) => data.length));
}

function axesOf(outputs: Tensors, axisOf: (tensor: Tensor, name: string) => number | undefined): OutputAxes {
  return Object.fromEntries(Object.entries(outputs).map(([name, tensor]) => [name, axisOf(tensor, name)]));
}

/** Some rows of tensors whose batch comes first; scalars are everybody's. */
function pickAll(tensors: Tensors, rows: readonly number[]): Tensors {
  return Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, pick(tensor, rows)]));
}

function pick(tensor: Tensor, rows: readonly number[]): Tensor {
  const { type, dims, data } = tensor;
  const [batch, ...rest] = dims;
  if (batch === undefined) return tensor;
  const width = data.length / batch;
  const shape = { type, dims: [rows.length, ...rest] };
  if (Array.isArray(data)) return { ...shape, data: rows.flatMap(row => data.slice(row * width, (row + 1) * width)) };
  const picked = new (data.constructor as Float32ArrayConstructor)(rows.length * width);
  rows.forEach((row, place) => {
    picked.set((data as Float32Array).subarray(row * width, (row + 1) * width), place * width);
  });
  return { ...shape, data: picked };
}

/** Equal but for rounding. */
function alike(some: Tensors, others: Tensors): boolean {
  return Object.keys(some).every(name => alikeTensors(some[name] as Tensor, others[name]));
}

function alikeTensors(one: Tensor, other: Tensor | undefined): boolean {
  if (other === undefined || one.dims.join() !== other.dims.join()) return false;
  const half = one.type === 'float16';
  if (!one.type.startsWith('float')) return one.data.every((value: unknown, i: number) => value === other.data[i]);
  const read = ({ data }: Tensor) => Array.from(data as Float32Array, value => (half ? fromHalf(value) : value));
  const [values, twins] = [read(one), read(other)];
  const largest = [...values, ...twins].reduce(
    (most, value) => (Number.isFinite(value) ? Math.max(most, Math.abs(value)) : most),
    0,
  );
  const most = largest * (half ? HALF_ROUNDING : ROUNDING);
  return values.every((value, i) => Object.is(value, twins[i]) || Math.abs(value - (twins[i] as number)) <= most);
}
