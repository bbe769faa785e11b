import type { Tensor, TensorData, Tensors } from '../core/tensor.ts';

/** Rows of inputs, all of which share their first dimension. */
export function rowsOf(tensors: Tensors): number {
  for (const name in tensors) return (tensors[name] as Tensor).dims[0] ?? 0;
  return 0;
}

/** What has to be equal of inputs that are to be put together: names, types, and every dimension but the first. */
export function formOf(tensors: Tensors): string {
  let form = '';
  for (const name in tensors) {
    const { type, dims } = tensors[name] as Tensor;
    form += `${name}:${type}[${dims.slice(1).join()}]`;
  }
  return form;
}

/** Rows of the parts, one after the other. The parts are of one form. */
export function concat(parts: readonly Tensors[]): Tensors {
  const merged: Record<string, Tensor> = {};
  for (const name in parts[0]) {
    const tensors = parts.map(part => part[name] as Tensor);
    const { type, dims } = tensors[0] as Tensor;
    const rows = tensors.reduce((sum, tensor) => sum + (tensor.dims[0] as number), 0);
    merged[name] = { type, dims: [rows, ...dims.slice(1)], data: join(tensors.map(({ data }) => data)) };
  }
  return merged;
}

function join(parts: readonly TensorData[]): TensorData {
  const [first] = parts;
  if (Array.isArray(first)) return (parts as readonly string[][]).flat();
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const Typed = (first as Float32Array).constructor as Float32ArrayConstructor;
  const data = new Typed(length);
  let at = 0;
  for (const part of parts) {
    data.set(part as Float32Array, at);
    at += part.length;
  }
  return data;
}

/** The outputs cut into parts of so many rows each; undefined where they have another number of rows than the parts together. */
export function split(outputs: Tensors, rows: readonly number[]): Tensors[] | undefined {
  const total = rows.reduce((sum, count) => sum + count, 0);
  for (const name in outputs) if ((outputs[name] as Tensor).dims[0] !== total) return undefined;
  let from = 0;
  return rows.map(count => {
    const part: Record<string, Tensor> = {};
    for (const name in outputs) {
      const { type, dims, data } = outputs[name] as Tensor;
      const width = data.length / total;
      const [start, end] = [from * width, (from + count) * width];
      const cut = Array.isArray(data) ? data.slice(start, end) : data.subarray(start, end);
      part[name] = { type, dims: [count, ...dims.slice(1)], data: cut };
    }
    from += count;
    return part;
  });
}
