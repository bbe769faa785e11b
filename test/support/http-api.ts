import type { Catalog } from '../../src/core/catalog.ts';
import { createHttpApi, type HttpApi, type HttpApiOptions } from '../../src/http/api.ts';
import type { HttpReply } from '../../src/http/http.ts';
import type { RouteName } from '../../src/http/routes.ts';
import type { ScoringOptions } from '../../src/scoring/scoring.ts';
import { quiet } from './events.ts';
import { openScoring } from './open-scoring.ts';

/** The HTTP API as the app composes it, over these models; its scoring can be wrapped. */
export function serveModels(
  catalog: Catalog,
  change: Partial<HttpApiOptions> = {},
  scoring: Partial<ScoringOptions> = {},
): HttpApi {
  return createHttpApi({
    catalog,
    ...openScoring(catalog, scoring),
    jobs: () => Promise.reject(new Error('there are no jobs here')),
    record: () => {},
    recordSlices: () => {},
    recordAsked: () => {},
    recordHttp: () => {},
    prometheus: async () => '',
    version: '1.2.3',
    maxBodyBytes: 8_000_000,
    maxConcurrent: 64,
    timeoutMs: 60_000,
    clock: Date.now,
    log: quiet,
    ...change,
  });
}

/** Sends a body, JSON where it is no bytes. */
export function post(
  api: HttpApi,
  route: RouteName,
  params: Readonly<Record<string, string>>,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<HttpReply> {
  const bytes = body instanceof Uint8Array ? body : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
  const own = new Uint8Array(bytes);
  return api.answer(route, { params, headers: new Headers(headers), arrayBuffer: async () => own.buffer });
}

export interface AskedTensor {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

/** An inference request as Triton's clients write it, tensors as bytes behind the JSON; with the header that says where. */
export function binaryBody(
  inputs: readonly AskedTensor[],
  more: object = { parameters: { binary_data_output: true } },
) {
  const described = inputs.map(({ name, datatype, shape, bytes }) => ({
    name,
    datatype,
    shape,
    parameters: { binary_data_size: bytes.length },
  }));
  const json = Buffer.from(JSON.stringify({ inputs: described, ...more }));
  return {
    body: Buffer.concat([json, ...inputs.map(({ bytes }) => bytes)]),
    headers: { 'inference-header-content-length': String(json.length) },
  };
}

/** A binary answer's JSON, and the bytes of each output that has them. */
export function readBinary({ headers, body }: HttpReply) {
  const bytes = Buffer.from(body);
  let at = Number(headers['inference-header-content-length']);
  // biome-ignore lint/suspicious/noExplicitAny: a JSON answer of any shape
  const answer = JSON.parse(bytes.toString('utf8', 0, at)) as any;
  const tensors: Record<string, Uint8Array<ArrayBuffer>> = {};
  for (const { name, parameters } of answer.outputs) {
    const size: number | undefined = parameters?.binary_data_size;
    if (size === undefined) continue;
    tensors[name] = new Uint8Array(bytes.subarray(at, at + size));
    at += size;
  }
  return { answer, tensors, left: bytes.length - at };
}
