import type { Tensor, TensorData } from '../../core/tensor.ts';

/** A tensor with dimension `axis` before all others. */
export function batchFirst(tensor: Tensor, axis: number): Tensor {
  const { type, dims, data } = tensor;
  if (axis === 0 || axis >= dims.length) return tensor;
  const turned = [dims[axis] as number, ...dims.toSpliced(axis, 1)];
  const [before, batch, after] = around(dims, axis);
  return { type, dims: turned, data: swap(data, before, batch, after) };
}

/** The other way round: the first dimension moves to `axis`. */
export function batchBack(tensor: Tensor, axis: number): Tensor {
  const { type, dims, data } = tensor;
  if (axis === 0 || axis >= dims.length) return tensor;
  const [batch = 0, ...rest] = dims;
  const turned = rest.toSpliced(axis, 0, batch);
  const [before, , after] = around(turned, axis);
  return { type, dims: turned, data: swap(data, batch, before, after) };
}

/** Elements of the dimensions before an axis, of it, and of those behind it. */
function around(dims: readonly number[], axis: number): [number, number, number] {
  const product = (sizes: readonly number[]) => sizes.reduce((all, size) => all * size, 1);
  return [product(dims.slice(0, axis)), dims[axis] as number, product(dims.slice(axis + 1))];
}

/** [first, second, block] → [second, first, block]. */
function swap(data: TensorData, first: number, second: number, block: number): TensorData {
  const turned = Array.isArray(data)
    ? new Array<string>(data.length)
    : new (data.constructor as Float32ArrayConstructor)(data.length);
  for (let i = 0; i < first; i++) {
    for (let j = 0; j < second; j++) {
      const from = (i * second + j) * block;
      const to = (j * first + i) * block;
      for (let k = 0; k < block; k++) (turned as TensorData)[to + k] = data[from + k] as never;
    }
  }
  return turned as TensorData;
}
