import { z } from 'zod';
import type { Signature, Tensor, Tensors, TensorType } from '../../core/tensor.ts';
import type { Server } from './call.ts';
import type { DeclaredInput } from './declared-inputs.ts';
import type { RemoteProtocol } from './protocol.ts';
import { listOf, tensorOf } from './tensor-json.ts';

const reply = z.looseObject({ predictions: z.unknown() });

/** What its one output is called where the server gives it no name. */
export const PREDICTIONS = 'predictions';

/**
 * MLflow's scoring server, `mlflow models serve` (mlflow.org, "MLflow Model Serving", inference server specification): `POST /invocations`
 * with columns by name (`dataframe_split`), or with tensors (`inputs`) where a feature is an array. It says nothing of itself, so the card names the features.
 */
export function mlflow(server: Server, declared: readonly DeclaredInput[]): RemoteProtocol {
  const asTable = declared.every(({ columns }) => columns !== undefined);

  async function infer(inputs: Tensors, signal: AbortSignal): Promise<Tensors> {
    const body = Buffer.from(JSON.stringify(asTable ? tableOf(inputs, declared) : { inputs: nested(inputs) }));
    const headers = { 'content-type': 'application/json' };
    const answer = await server.call('/invocations', { method: 'POST', headers, body }, signal);
    return outputsOf(predictionsIn(answer.body, server));
  }

  return {
    infer,
    async describe(signal) {
      await server.call('/ping', { method: 'GET' }, signal);
      const inputs = declared.map(({ spec }) => spec);
      const outputs = [{ name: PREDICTIONS, type: 'float64', dims: [null] }] as const;
      return { inputs, outputs, opaqueOutputs: [] } satisfies Signature;
    },
    async isReady(signal) {
      await server.call('/ping', { method: 'GET' }, signal);
      return true;
    },
  };
}

function predictionsIn(body: Buffer, { title }: Server): unknown {
  try {
    return reply.parse(JSON.parse(body.toString('utf8'))).predictions;
  } catch (thrown) {
    throw new Error(`${title} answers without predictions: ${body.toString('utf8', 0, 80)}`, { cause: thrown });
  }
}

function tableOf(inputs: Tensors, declared: readonly DeclaredInput[]) {
  const parts = declared.map(({ spec, columns = [] }) => ({ values: listOf(inputs[spec.name] as Tensor), columns }));
  const rows = Object.values(inputs)[0]?.dims[0] ?? 0;
  const data: unknown[][] = [];
  for (let row = 0; row < rows; row++) {
    const cells: unknown[] = [];
    for (const { values, columns } of parts)
      for (let at = row * columns.length, end = at + columns.length; at < end; at++) cells.push(values[at]);
    data.push(cells);
  }
  return { dataframe_split: { columns: parts.flatMap(({ columns }) => columns), data } };
}

function nested(inputs: Tensors): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(inputs).map(([name, tensor]) => [name, nest(listOf(tensor), tensor.dims)]));
}

function nest(values: readonly unknown[], [size = 0, ...inner]: readonly number[]): readonly unknown[] {
  if (inner.length === 0) return values;
  const width = values.length / (size || 1);
  return Array.from({ length: size }, (_, i) => nest(values.slice(i * width, (i + 1) * width), inner));
}

/** Predictions are values or lists, one a row; or a table's rows, objects by column; or columns by name. */
function outputsOf(predictions: unknown): Tensors {
  if (Array.isArray(predictions)) {
    const [first] = predictions;
    if (typeof first !== 'object' || first === null || Array.isArray(first)) {
      return { [PREDICTIONS]: columnOf(PREDICTIONS, predictions) };
    }
    const names = Object.keys(first);
    return Object.fromEntries(
      names.map(name => [
        name,
        columnOf(
          name,
          predictions.map(row => (row as Record<string, unknown>)[name]),
        ),
      ]),
    );
  }
  if (typeof predictions === 'object' && predictions !== null) {
    return Object.fromEntries(
      Object.entries(predictions).map(([name, values]) => [
        name,
        columnOf(name, Array.isArray(values) ? values : [values]),
      ]),
    );
  }
  throw new Error('the predictions are neither a list nor columns by name');
}

function columnOf(name: string, values: readonly unknown[]): Tensor {
  const dims = [values.length];
  for (let at = values[0]; Array.isArray(at); at = at[0]) dims.push(at.length);
  const [some] = values.flat(dims.length);
  return tensorOf(name, typeOf(some), dims, values);
}

function typeOf(value: unknown): TensorType {
  if (typeof value === 'string') return 'string';
  return typeof value === 'boolean' ? 'bool' : 'float64';
}
