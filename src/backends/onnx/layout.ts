import type { Signature, Tensor, TensorSpec, Tensors } from '../../core/tensor.ts';
import type { Engine } from './engine.ts';
import { batchBack, batchFirst } from './turn.ts';

/** Where the batch stands among the dimensions of a model's inputs. Everybody else sees it first: what lies otherwise is turned on its way in and out. */
export interface Layout {
  /** No dimension is the batch's: what a request gives is the one instance. */
  readonly unbatched: boolean;
  /** By input; undefined: a scalar, the same for every row of a run. */
  readonly axes: Readonly<Record<string, number | undefined>>;
}

const BATCH_NAME = /batch/i;

/** How a model's inputs may lie by what it declares, the likeliest first; the first run shows which it is. */
export function layoutsOf({ inputs }: Signature): readonly Layout[] {
  const [first, ...others] = inputs.filter(({ dims }) => dims.length > 0);
  if (first === undefined) return [unbatched(inputs)];
  const all = [first, ...others];
  if (all.every(({ dims }) => dims[0] === null)) return [layout(inputs, () => 0)];
  const layouts: Layout[] = [];
  const named = sharedName(all);
  if (named !== undefined) layouts.push(layout(inputs, ({ symbols }) => symbols?.indexOf(named) ?? 0));
  const sizes = new Set(all.map(({ dims }) => dims[0]).filter(size => size !== null));
  if (named === undefined) {
    // States of a network beside its inputs, [2, ?, 128] beside [?, 1], in a file that does not name its dimensions.
    const open = all.every(({ dims }) => dims.includes(null)) && all.some(({ dims }) => dims[0] === null);
    if (open && !sizes.has(1)) layouts.push(layout(inputs, ({ dims }) => dims.indexOf(null)));
    if (sizes.size === 1) layouts.push(layout(inputs, () => 0));
  }
  return all.length > 1 ? [...layouts, unbatched(inputs)] : layouts;
}

/** A name that a dimension of every input has, if it stands first somewhere or says that it is the batch. */
function sharedName([first, ...others]: readonly TensorSpec[]): string | undefined {
  const names = first?.symbols?.filter(name => others.every(({ symbols }) => symbols?.includes(name))) ?? [];
  const leads = (name: string) => others.length > 0 && [first, ...others].some(spec => spec?.symbols?.[0] === name);
  return names.find(name => name !== '' && (BATCH_NAME.test(name) || leads(name)));
}

function layout(inputs: readonly TensorSpec[], axisOf: (spec: TensorSpec) => number): Layout {
  const axes = inputs.map(spec => [spec.name, spec.dims.length === 0 ? undefined : axisOf(spec)]);
  return { unbatched: false, axes: Object.fromEntries(axes) };
}

/** All of them are the one instance. */
export function unbatched(inputs: readonly TensorSpec[]): Layout {
  return { unbatched: true, axes: Object.fromEntries(inputs.map(({ name }) => [name, undefined])) };
}

/** An input as everybody else sees it. */
export function shownInput({ name, type, dims }: TensorSpec, { unbatched: whole, axes }: Layout): TensorSpec {
  if (whole) return { name, type, dims: [1, ...dims] };
  const axis = axes[name];
  return { name, type, dims: axis === undefined ? dims : [dims[axis] ?? null, ...dims.toSpliced(axis, 1)] };
}

/** Gives a model its inputs as it wants them. */
export function arrange(run: Engine['run'], { unbatched: whole, axes }: Layout): Engine['run'] {
  if (!whole && Object.values(axes).every(axis => !axis)) return run;
  return (inputs, options) => {
    const given: Record<string, Tensor> = {};
    for (const name in inputs) {
      const tensor = inputs[name] as Tensor;
      given[name] = whole ? { ...tensor, dims: tensor.dims.slice(1) } : batchBack(tensor, axes[name] ?? 0);
    }
    return run(given, options);
  };
}

/** Where the batch stands in each output; undefined where it has none: such an output is the same for every row. */
export type OutputAxes = Readonly<Record<string, number | undefined>>;

/** A model's outputs, the batch first; one that has none is repeated for every row. */
export function turnOutputs(outputs: Tensors, axes: OutputAxes, rows: number): Tensors {
  const turned: Record<string, Tensor> = {};
  for (const name in outputs) {
    const tensor = outputs[name] as Tensor;
    const axis = axes[name];
    turned[name] = axis === undefined ? repeat(tensor, rows) : batchFirst(tensor, axis);
  }
  return turned;
}

/** An output as everybody else sees it: as it is declared, unless it was seen to lie otherwise. */
export function shownOutput(
  { name, type, dims }: TensorSpec,
  axis: number | undefined,
  whole: boolean,
  fixedBatch = false,
): TensorSpec {
  if (axis === 0) return { name, type, dims };
  if (axis === undefined) return { name, type, dims: [whole ? 1 : null, ...dims], rowless: true };
  return { name, type, dims: [dims[axis] ?? null, ...dims.toSpliced(axis, 1)], ...(fixedBatch && { axis }) };
}

function repeat({ type, dims, data }: Tensor, rows: number): Tensor {
  const whole = { type, dims: [rows, ...dims] };
  if (rows === 1) return { ...whole, data };
  if (Array.isArray(data)) return { ...whole, data: new Array<string[]>(rows).fill(data).flat() };
  const repeated = new (data.constructor as Float32ArrayConstructor)(rows * data.length);
  for (let row = 0; row < rows; row++) repeated.set(data as Float32Array, row * data.length);
  return { ...whole, data: repeated };
}
