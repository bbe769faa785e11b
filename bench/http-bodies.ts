import type { HttpApi } from '../src/http/api.ts';
import type { HttpRequest } from '../src/http/http.ts';
import { type Candidate, compare, processorTime } from './harness.ts';
import { openApi } from './http-api.ts';
import { sampleFeatures } from './requests.ts';

const { signal } = new AbortController();

/** From the body of an inference request to the body of its answer, by the API that functions call, without a host; ns a row. The floor is the model on the same rows. */
export async function compareHttpBodies(rows = 1_000) {
  const api = await openApi();
  const { model } = api;
  const data = dataOf(rows);
  const name = model.signature.inputs[0]?.name ?? '';
  const alone = async () => {
    await model.backend.predict({ [name]: { type: 'float32', dims: [rows, 10], data } }, { signal });
    return rows;
  };
  const one = jsonRequest(dataOf(1));
  const single = binaryRequest(dataOf(1));
  const [binary, json] = [binaryRequest(data), jsonRequest(data)];
  const hub = requestOf(Buffer.from(JSON.stringify({ request_id: 'r', features: [...dataOf(1)] })));
  // Each by itself: what JSON leaves for the collector would be paid by whoever runs after it.
  const besideModel = (name: string, request: HttpRequest) =>
    compare(
      [
        { name: 'the model alone', run: alone },
        { name, run: () => ask(api, [request], rows) },
      ] satisfies Candidate[],
      15,
      150,
      processorTime,
    );
  return {
    [`${rows} × 10 FP32 as bytes, ns a row`]: await besideModel('binary both ways', binary),
    [`${rows} × 10 FP32 as JSON, ns a row`]: await besideModel('JSON both ways', json),
    'single rows, ns a request': await compare(
      [
        { name: 'JSON, one at a time', run: () => ask(api, [one], 1) },
        { name: 'JSON, 64 in a turn', run: () => ask(api, new Array(64).fill(one), 64) },
        { name: 'binary, 64 in a turn', run: () => ask(api, new Array(64).fill(single), 64) },
        { name: 'as in the hub, 64 in a turn', run: () => predict(api, new Array(64).fill(hub), 64) },
      ] satisfies Candidate[],
      15,
      150,
      processorTime,
    ),
  };
}

async function ask(api: Pick<HttpApi, 'answer'>, requests: readonly HttpRequest[], rows: number): Promise<number> {
  const replies = await Promise.all(requests.map(request => api.answer('v2-infer', request)));
  if (replies.some(({ status }) => status !== 200)) throw new Error(String(replies[0]?.body));
  return rows;
}

async function predict(api: Pick<HttpApi, 'answer'>, requests: readonly HttpRequest[], rows: number): Promise<number> {
  const replies = await Promise.all(requests.map(request => api.answer('predict', request)));
  if (replies.some(({ status }) => status !== 200)) throw new Error(String(replies[0]?.body));
  return rows;
}

function dataOf(rows: number): Float32Array<ArrayBuffer> {
  const features = sampleFeatures('diabetes', '1.0.0') as number[][];
  return Float32Array.from(Array.from({ length: rows }, (_, i) => features[i % features.length] ?? []).flat());
}

function jsonRequest(data: Float32Array): HttpRequest {
  const inputs = [{ name: 'features', shape: [data.length / 10, 10], datatype: 'FP32', data: [...data] }];
  return requestOf(Buffer.from(JSON.stringify({ inputs })));
}

/** As Triton's client writes it. */
function binaryRequest(data: Float32Array<ArrayBuffer>): HttpRequest {
  const parameters = { binary_data_size: data.byteLength };
  const inputs = [{ name: 'features', shape: [data.length / 10, 10], datatype: 'FP32', parameters }];
  const json = Buffer.from(JSON.stringify({ inputs, parameters: { binary_data_output: true } }));
  const headers = { 'inference-header-content-length': String(json.length) };
  return requestOf(Buffer.concat([json, new Uint8Array(data.buffer)]), headers);
}

function requestOf(body: Uint8Array, headers: Readonly<Record<string, string>> = {}): HttpRequest {
  const { buffer } = new Uint8Array(body);
  const given = new Headers(headers);
  return { params: { name: 'diabetes' }, headers: given, arrayBuffer: async () => buffer };
}
