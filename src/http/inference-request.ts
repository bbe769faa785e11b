import { z } from 'zod';
import { RequestError } from '../core/errors.ts';
import { whyNotJson } from '../core/json-fault.ts';
import { type InputTensors, readInputTensors } from '../core/open-inference.ts';
import type { OnError } from '../core/request.ts';
import { fromUtf8 } from '../core/utf8.ts';
import { fillBinaryInputs } from './binary-tensors.ts';

export interface InferenceRequest {
  /** Echoed. */
  readonly id: string | undefined;
  readonly features: InputTensors;
  /** Names of the outputs wanted; undefined: all. */
  readonly outputs: readonly string[] | undefined;
  readonly timeoutMs: number | undefined;
  readonly priority: number | undefined;
  readonly routingKey: string | undefined;
  /** See Request. */
  readonly ids: readonly (string | number)[] | undefined;
  readonly onError: OnError | undefined;
}

const absent = <T extends z.ZodType>(schema: T) => schema.nullish().transform(value => value ?? undefined);

const bodySchema = z.object({
  id: absent(z.string()),
  inputs: z.array(z.unknown()),
  outputs: absent(z.array(z.object({ name: z.string() }))),
  parameters: absent(
    z.object({
      timeout_ms: absent(z.number().positive()),
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
export function readInferenceRequest(body: Uint8Array, jsonLength: number | undefined): InferenceRequest {
  const parsed = bodySchema.safeParse(parseJson(body.subarray(0, jsonLength)));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw malformed(`${issue?.path.join('.') || 'the body'}: ${issue?.message}`);
  }
  const { id, inputs, outputs, parameters } = parsed.data;
  return {
    id,
    features: readInputTensors(jsonLength === undefined ? inputs : fillBinaryInputs(inputs, body.subarray(jsonLength))),
    outputs: outputs && outputs.length > 0 ? outputs.map(({ name }) => name) : undefined,
    timeoutMs: parameters?.timeout_ms,
    priority: parameters?.priority,
    routingKey: parameters?.routing_key,
    ids: parameters?.ids,
    onError: parameters?.on_error,
  };
}

function parseJson(body: Uint8Array): unknown {
  const text = fromUtf8(body)?.replace(/^\uFEFF/, '');
  if (text === undefined) throw malformed('the body is not UTF-8 text');
  try {
    return JSON.parse(text);
  } catch {
    throw malformed(whyNotJson('body', text));
  }
}

function malformed(message: string): RequestError {
  return new RequestError('malformed_payload', 'decode', message);
}
