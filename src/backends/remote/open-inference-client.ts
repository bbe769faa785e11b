import { z } from 'zod';
import { DATATYPES } from '../../core/datatypes.ts';
import type { Signature, TensorSpec, Tensors, TensorType } from '../../core/tensor.ts';
import type { Server } from './call.ts';
import type { RemoteProtocol } from './protocol.ts';
import { readTensor, writeTensor } from './tensor-bytes.ts';
import { listOf, tensorOf } from './tensor-json.ts';

const TYPES = new Map(Object.entries(DATATYPES).map(([type, name]) => [name, type as TensorType]));

const tensorMetadata = z.looseObject({
  name: z.string(),
  datatype: z.string(),
  shape: z.array(z.union([z.number(), z.string()])),
});
const modelMetadata = z.looseObject({ inputs: z.array(tensorMetadata), outputs: z.array(tensorMetadata).default([]) });
const serverMetadata = z.looseObject({ extensions: z.array(z.string()).default([]) });
const inferReply = z.looseObject({
  outputs: z.array(
    z.looseObject({
      name: z.string(),
      datatype: z.string(),
      shape: z.array(z.number()),
      data: z.custom<readonly unknown[]>(Array.isArray, 'expected a list').optional(), // its values are looked at one by one below
      parameters: z.looseObject({ binary_data_size: z.number().int().min(0).optional() }).nullish(),
    }),
  ),
});

const JSON_TYPE = { 'content-type': 'application/json' };
/** Where the JSON ends that binary tensors follow. */
const HEADER_LENGTH = 'inference-header-content-length';

/**
 * Open Inference Protocol v2 over HTTP (github.com/kserve/open-inference-protocol, inference_rest.md), with Triton's binary tensors
 * (github.com/triton-inference-server/server, protocol/extension_binary_data.md) where the server says that it takes them.
 */
export function openInference(server: Server, model: string, version: string | undefined): RemoteProtocol {
  const path = `/v2/models/${encodeURIComponent(model)}${version === undefined ? '' : `/versions/${encodeURIComponent(version)}`}`;
  let binary = false;

  async function describe(signal: AbortSignal): Promise<Signature> {
    const { extensions } = parse(serverMetadata, (await server.call('/v2', { method: 'GET' }, signal)).body, server);
    binary = extensions.includes('binary_tensor_data');
    const found = parse(modelMetadata, (await server.call(path, { method: 'GET' }, signal)).body, server);
    if (found.inputs.length === 0) throw new Error(`${server.title} says nothing of the inputs of ${model}`);
    return { inputs: found.inputs.map(specOf), outputs: found.outputs.map(specOf), opaqueOutputs: [] };
  }

  async function infer(inputs: Tensors, signal: AbortSignal): Promise<Tensors> {
    const { headers, body } = await server.call(
      `${path}/infer`,
      { method: 'POST', ...(binary ? inBinary(inputs) : inJson(inputs)) },
      signal,
    );
    const length = headers[HEADER_LENGTH] === undefined ? body.length : Number(headers[HEADER_LENGTH]);
    const { outputs } = parse(inferReply, body.subarray(0, length), server);
    const tensors: Record<string, Tensors[string]> = {};
    let at = length;
    for (const { name, datatype, shape, data, parameters } of outputs) {
      const type = typeOf(datatype, name);
      const size = parameters?.binary_data_size;
      if (size === undefined) tensors[name] = tensorOf(name, type, shape, data ?? []);
      else {
        if (at + size > body.length)
          throw new Error(`output ${name}: ${size} bytes were said, ${body.length - at} came`);
        tensors[name] = readTensor(name, type, shape, body.subarray(at, at + size));
        at += size;
      }
    }
    return tensors;
  }

  async function isReady(signal: AbortSignal): Promise<boolean> {
    await server.call(`${path}/ready`, { method: 'GET' }, signal);
    return true;
  }

  return { describe, infer, isReady };
}

function inJson(inputs: Tensors) {
  const list = Object.entries(inputs).map(([name, tensor]) => ({
    name,
    datatype: DATATYPES[tensor.type],
    shape: tensor.dims,
    data: listOf(tensor),
  }));
  return { headers: JSON_TYPE, body: Buffer.from(JSON.stringify({ inputs: list })) };
}

function inBinary(inputs: Tensors) {
  const tensors = Object.entries(inputs).map(([name, tensor]) => ({ name, tensor, bytes: writeTensor(tensor) }));
  const json = JSON.stringify({
    inputs: tensors.map(({ name, tensor, bytes }) => ({
      name,
      datatype: DATATYPES[tensor.type],
      shape: tensor.dims,
      parameters: { binary_data_size: bytes.length },
    })),
    parameters: { binary_data_output: true },
  });
  const header = Buffer.from(json);
  return {
    headers: { 'content-type': 'application/octet-stream', [HEADER_LENGTH]: String(header.length) },
    body: Buffer.concat([header, ...tensors.map(({ bytes }) => bytes)]),
  };
}

function specOf({ name, datatype, shape }: z.infer<typeof tensorMetadata>): TensorSpec {
  const dims = shape.map(size => (typeof size === 'number' && size >= 0 ? size : null));
  // Servers that batch by themselves leave the batch out of a shape, or say 1 or -1: it is open here in any case.
  const [first, ...rest] = dims;
  const batched = first === null || first === undefined || first <= 1;
  return { name, type: typeOf(datatype, name), dims: batched ? [null, ...rest] : [null, ...dims] };
}

function typeOf(datatype: string, name: string): TensorType {
  const type = TYPES.get(datatype);
  if (type === undefined)
    throw new Error(
      `${name} is of ${datatype}, which is not taken here; expected one of ${[...TYPES.keys()].join(', ')}`,
    );
  return type;
}

function parse<T extends z.ZodType>(schema: T, body: Buffer, { title }: Server): z.infer<T> {
  let value: unknown;
  try {
    value = JSON.parse(body.toString('utf8'));
  } catch (thrown) {
    throw new Error(`${title} answers with what is no JSON: ${body.toString('utf8', 0, 80)}`, { cause: thrown });
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new Error(`${title} answers otherwise than its protocol says: ${issue?.path.join('.')}: ${issue?.message}`);
}
