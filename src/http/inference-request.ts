import { z } from 'zod';
import { malformed } from '../core/errors.ts';
import { parseExactly } from '../core/exact-json.ts';
import { whyNotJson } from '../core/json-fault.ts';
import { InputTensors, readInputTensors } from '../core/open-inference.ts';
import type { OnError } from '../core/request.ts';
import { fromUtf8 } from '../core/utf8.ts';
import { bytesOf, fillBinaryInputs, readElements, readText } from './binary-tensors.ts';
import type { TensorMetadata } from './metadata.ts';
import { lighten } from './number-lists.ts';

/** An output that is asked for. */
export interface WantedOutput {
  readonly name: string;
  /** As bytes behind the JSON. */
  readonly binary: boolean;
}

export interface InferenceRequest {
  /** Echoed. */
  readonly id: string | undefined;
  readonly features: InputTensors;
  /** The outputs wanted, in order; undefined: all. */
  readonly outputs: readonly WantedOutput[] | undefined;
  /** Outputs that are not asked for one by one come as bytes. */
  readonly binary: boolean;
  readonly timeoutMs: number | undefined;
  readonly priority: number | undefined;
  readonly routingKey: string | undefined;
  /** See Request. */
  readonly ids: readonly (string | number)[] | undefined;
  readonly onError: OnError | undefined;
}

const absent = <T extends z.ZodType>(schema: T) => schema.nullish().transform(value => value ?? undefined);

const outputSchema = z.object({
  name: z.string(),
  parameters: absent(z.object({ binary_data: absent(z.boolean()), classification: absent(z.number()) })),
});

const bodySchema = z.object({
  id: absent(z.string()),
  inputs: z.array(z.unknown()),
  outputs: absent(z.array(outputSchema)),
  parameters: absent(
    z.object({
      binary_data_output: absent(z.boolean()),
      timeout_ms: absent(z.number().positive()),
      /** Triton's, microseconds; 0 for none. */
      timeout: absent(z.number().nonnegative()),
      priority: absent(z.number()),
      routing_key: absent(z.string()),
      ids: absent(z.array(z.union([z.string(), z.number()]))),
      on_error: absent(z.enum(['refuse', 'skip'])),
    }),
  ),
});

/**
 * Reads the body of an Open Inference Protocol v2 inference request.
 * @param jsonLength bytes of JSON that tensors follow as bytes; undefined: all is JSON.
 * @throws RequestError malformed_payload that names what is wrong.
 */
export function readInferenceRequest(body: Uint8Array<ArrayBuffer>, jsonLength: number | undefined): InferenceRequest {
  if (jsonLength !== undefined && !(Number.isInteger(jsonLength) && jsonLength > 0 && jsonLength <= body.length)) {
    throw malformed(`inference-header-content-length is ${jsonLength}; the body has ${body.length} bytes`);
  }
  const parsed = bodySchema.safeParse(parseBody(body.subarray(0, jsonLength)));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw malformed(`${issue?.path.join('.') || 'the body'}: ${issue?.message}`);
  }
  const { id, inputs, outputs, parameters } = parsed.data;
  const binary = parameters?.binary_data_output ?? false;
  const timeoutMs = parameters?.timeout ? parameters.timeout / 1000 : undefined;
  return {
    id,
    features: readInputTensors(jsonLength === undefined ? inputs : fillBinaryInputs(inputs, body.subarray(jsonLength))),
    outputs: readOutputs(outputs ?? [], binary),
    binary,
    timeoutMs: parameters?.timeout_ms ?? timeoutMs,
    priority: parameters?.priority,
    routingKey: parameters?.routing_key,
    ids: parameters?.ids,
    onError: parameters?.on_error,
  };
}

function readOutputs(outputs: readonly z.infer<typeof outputSchema>[], binary: boolean): InferenceRequest['outputs'] {
  const wanted = outputs.map(({ name, parameters }): WantedOutput => {
    if (parameters?.classification) throw malformed(`output ${name}: classification is not given; its values are`);
    return { name, binary: parameters?.binary_data ?? binary };
  });
  const twice = wanted.find(({ name }, i) => wanted.findIndex(other => other.name === name) < i);
  if (twice !== undefined) throw malformed(`output ${twice.name} is asked for twice`);
  return wanted.length > 0 ? wanted : undefined;
}

/**
 * A body that is one tensor's bytes, without JSON (`Inference-Header-Content-Length: 0`); its answer is bytes, too.
 * @param inputs of the model
 * @throws RequestError malformed_payload where the model has several, or the bytes do not say their shape
 */
export function readRawRequest(body: Uint8Array<ArrayBuffer>, inputs: readonly TensorMetadata[]): InferenceRequest {
  const [input] = inputs;
  if (input === undefined || inputs.length > 1)
    throw malformed(`a body without JSON is for a model of one input; this has ${inputs.length}`);
  const { name, datatype } = input;
  const size = bytesOf(datatype);
  const data = size === undefined ? [readText(body, name)] : readElements(datatype, body, name);
  const tensor = { name, datatype, shape: shapeOf(input, data.length), data };
  return {
    id: undefined,
    features: new InputTensors([tensor]),
    outputs: undefined,
    binary: true,
    timeoutMs: undefined,
    priority: undefined,
    routingKey: undefined,
    ids: undefined,
    onError: undefined,
  };
}

/** One dimension at most follows from how many elements there are: the batch, or one instance's. */
function shapeOf({ name, shape }: TensorMetadata, elements: number): readonly number[] {
  const inner = shape.slice(1).includes(-1);
  const known = shape.map((size, axis) => (size < 0 && inner && axis === 0 ? 1 : size));
  const step = known.reduce((product, size) => (size < 0 ? product : product * size), 1);
  const open = known.filter(size => size < 0).length;
  const rest = elements / step;
  if (open > 1 || !Number.isInteger(rest) || (open === 0 && rest !== 1))
    throw malformed(`input ${name}: ${elements} values do not say a shape of [${shape.join(', ')}]; send it with JSON`);
  return known.map(size => (size < 0 ? rest : size));
}

/** A whole number that a double may not hold, in a text that has tensors of such. */
const LONG = /(?<![\d.])\d{16}/;

/** Long lists of numbers apart: they are most of a large body. */
function parseBody(body: Uint8Array): unknown {
  const light = lighten(body);
  if (light !== undefined) {
    try {
      const { inputs, ...rest } = parseJson(light.json) as { readonly inputs?: unknown };
      const filled = Array.isArray(inputs) ? light.fill(inputs) : undefined;
      if (filled !== undefined) return { ...rest, inputs: filled };
    } catch {
      // What is wrong is said of the body as it came.
    }
  }
  return parseJson(body);
}

function parseJson(body: Uint8Array): unknown {
  const text = fromUtf8(body)?.replace(/^\uFEFF/, '');
  if (text === undefined) throw malformed('the body is not UTF-8 text');
  try {
    // Each number by its source takes three times as long.
    return text.includes('INT64') && LONG.test(text) ? parseExactly(text) : (JSON.parse(text) as unknown);
  } catch {
    throw malformed(whyNotJson('body', text));
  }
}
