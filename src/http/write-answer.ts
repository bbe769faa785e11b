import { RequestError } from '../core/errors.ts';
import type { ModelVersion } from '../core/model.ts';
import type { Answered } from '../core/outcome.ts';
import { shortFloat } from '../core/short-float.ts';
import { writeElements } from './binary-outputs.ts';
import { FloatLists } from './float-lists.ts';
import { type HttpReply, JSON_HEADERS } from './http.ts';
import type { InferenceRequest } from './inference-request.ts';
import { columnTensors } from './output-columns.ts';
import type { OutputPlan } from './output-plan.ts';
import { type OutputTensor, toTensors } from './output-tensors.ts';

type Asked = Pick<InferenceRequest, 'id' | 'ids' | 'onError' | 'outputs' | 'binary'>;

/**
 * The protocol's answer: JSON, and behind it those outputs that are wanted as bytes.
 * @throws RequestError schema_mismatch where an output is wanted that the version does not have
 */
export function writeAnswer(ending: Answered, asked: Asked, plans: readonly OutputPlan[]): HttpReply {
  const { version } = ending;
  const wanted = pick(plans, asked.outputs, version);
  const tensors = columnTensors(wanted, ending) ?? toTensors(wanted, ending.predictions, asked.onError === 'skip');
  const isBinary = (name: string) => asked.outputs?.find(output => output.name === name)?.binary ?? asked.binary;
  const parts: Buffer[] = [];
  const lists = new FloatLists();
  const outputs = tensors.map(tensor => {
    const { name, datatype, shape } = tensor;
    if (!isBinary(name)) {
      const long = tensor.data instanceof Float32Array ? lists.put(tensor.data) : undefined;
      return { name, datatype, shape, data: long ?? listOf(tensor) };
    }
    const bytes = writeElements(tensor);
    parts.push(bytes);
    return { name, datatype, shape, parameters: { binary_data_size: bytes.length } };
  });
  const answer = {
    model_name: version.name,
    model_version: version.label,
    id: asked.id,
    parameters: parametersOf(ending, asked),
    outputs,
  };
  const body = lists.stringify(answer);
  if (parts.length === 0) return { status: 200, headers: JSON_HEADERS, body };
  const head = Buffer.from(body);
  const headers = {
    'content-type': 'application/octet-stream',
    'inference-header-content-length': String(head.length),
  };
  return { status: 200, headers, body: Buffer.concat([head, ...parts]) };
}

function pick(
  plans: readonly OutputPlan[],
  outputs: Asked['outputs'],
  { name: model }: ModelVersion,
): readonly OutputPlan[] {
  if (outputs === undefined) return plans;
  return outputs.map(({ name }) => {
    const plan = plans.find(one => one.name === name);
    if (plan !== undefined) return plan;
    const names = plans.map(one => one.name).join(', ');
    throw new RequestError('schema_mismatch', 'validate', `output ${name} is not there; ${model} has ${names}`);
  });
}

function parametersOf(ending: Answered, { ids }: Asked): object | undefined {
  const { errors, requestedVersion, fallback, variant, cached, degraded } = ending;
  const said = {
    ...(fallback && { fallback, requested_version: requestedVersion }),
    ...(variant !== undefined && { variant }),
    ...(cached && { cached }),
    ...(degraded && { degraded }),
    ...(ids !== undefined && { ids }),
    ...(errors.length > 0 && { errors }),
  };
  return Object.keys(said).length > 0 ? said : undefined;
}

function listOf({ data }: OutputTensor): readonly unknown[] {
  if (data instanceof Float32Array) return Array.from(data, shortFloat);
  return data instanceof BigInt64Array ? numbersOf(data) : data;
}

/** The nearest doubles; by halves, since a BigInt each costs 50 ns. */
function numbersOf({ buffer, byteOffset, length }: BigInt64Array): number[] {
  const halves = new DataView(buffer, byteOffset, 8 * length);
  const numbers = new Array<number>(length);
  for (let i = 0; i < length; i++)
    numbers[i] = halves.getInt32(8 * i + 4, true) * 2 ** 32 + halves.getUint32(8 * i, true);
  return numbers;
}
