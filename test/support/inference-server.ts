import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { readTensor, writeTensor } from '../../src/backends/remote/tensor-bytes.ts';
import { listOf, tensorOf } from '../../src/backends/remote/tensor-json.ts';
import type { Backend } from '../../src/core/backend.ts';
import { DATATYPES } from '../../src/core/datatypes.ts';
import type { Tensors, TensorType } from '../../src/core/tensor.ts';

/** What the server does with every request. */
export type Mood = 'well' | 'unavailable' | 'mute' | 'redirects' | 'breaks off' | 'talks nonsense';

export interface InferenceServer {
  readonly url: string;
  readonly host: string;
  mood: Mood;
  /** Paths asked for, with what stood in `authorization`. */
  readonly asked: { readonly path: string; readonly authorization: string | undefined }[];
  close(): Promise<void>;
}

const TYPES = new Map(Object.entries(DATATYPES).map(([type, name]) => [name, type as TensorType]));

/** A server of one model that speaks Open Inference Protocol v2 and MLflow's invocations, around a backend of ours: what it answers is known. */
export async function startInferenceServer(
  backend: Backend,
  { binary = false, mostRows = Number.POSITIVE_INFINITY } = {},
): Promise<InferenceServer> {
  const asked: InferenceServer['asked'] = [];
  const server: Server = createServer((request, response) => {
    void answer(request, response).catch(thrown => reply(response, 500, { error: String(thrown) }));
  });
  const state: { mood: Mood } = { mood: 'well' };

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { url = '', headers } = request;
    asked.push({ path: url, authorization: headers.authorization });
    if (state.mood === 'unavailable') return reply(response, 503, { error: 'not now' });
    if (state.mood === 'mute') return void (await sleep(60_000, undefined, { ref: false }));
    if (state.mood === 'redirects') return void response.writeHead(307, { location: 'http://169.254.169.254/' }).end();
    if (state.mood === 'breaks off') return void request.socket.destroy();
    if (state.mood === 'talks nonsense') return void response.end('<html>');
    const body = await buffer(request);
    if (url === '/v2') return reply(response, 200, { name: 'fake', extensions: binary ? ['binary_tensor_data'] : [] });
    if (url === '/ping' || url.endsWith('/ready')) return reply(response, 200, {});
    if (url.endsWith('/infer')) return infer(body, headers, response);
    if (url === '/invocations') return invoke(JSON.parse(body.toString()), response);
    const { inputs, outputs } = backend.info.signature;
    const show = (specs: typeof inputs) =>
      specs.map(({ name, type, dims }) => ({ name, datatype: DATATYPES[type], shape: dims.map(size => size ?? -1) }));
    if (url === '/v2/models/m')
      return reply(response, 200, { name: 'm', inputs: show(inputs), outputs: show(outputs) });
    return reply(response, 404, { error: `nothing at ${url}` });
  }

  async function infer(body: Buffer, headers: IncomingMessage['headers'], response: ServerResponse): Promise<void> {
    const length = Number(headers['inference-header-content-length'] ?? body.length);
    const { inputs } = JSON.parse(body.toString('utf8', 0, length));
    let at = length;
    const tensors: Record<string, Tensors[string]> = {};
    for (const { name, datatype, shape, data, parameters } of inputs) {
      const type = TYPES.get(datatype) as TensorType;
      const size = parameters?.binary_data_size ?? 0;
      tensors[name] = data
        ? tensorOf(name, type, shape, data)
        : readTensor(name, type, shape, body.subarray(at, at + size));
      at += size;
    }
    if (Object.values(tensors).some(({ dims: [rows = 0] }) => rows > mostRows)) {
      return reply(response, 400, { error: `at most ${mostRows} rows` });
    }
    let outputs: Tensors;
    try {
      outputs = await backend.predict(tensors);
    } catch (thrown) {
      return reply(response, 500, { error: String(thrown) });
    }
    const entries = Object.entries(outputs);
    if (!binary) {
      const list = entries.map(([name, tensor]) => ({
        name,
        datatype: DATATYPES[tensor.type],
        shape: tensor.dims,
        data: listOf(tensor),
      }));
      return reply(response, 200, { outputs: list });
    }
    const parts = entries.map(([name, tensor]) => ({ name, tensor, bytes: writeTensor(tensor) }));
    const list = parts.map(({ name, tensor, bytes }) => ({
      name,
      datatype: DATATYPES[tensor.type],
      shape: tensor.dims,
      parameters: { binary_data_size: bytes.length },
    }));
    const json = Buffer.from(JSON.stringify({ outputs: list }));
    response.writeHead(200, { 'inference-header-content-length': json.length });
    response.end(Buffer.concat([json, ...parts.map(({ bytes }) => bytes)]));
  }

  /** Columns by name, all of them one input's, in the order in which they come. */
  async function invoke(
    asked: { dataframe_split?: { columns: string[]; data: number[][] } },
    response: ServerResponse,
  ) {
    const { columns, data } = asked.dataframe_split ?? { columns: [], data: [] };
    const [input] = backend.info.signature.inputs;
    const values = Float32Array.from(data.flat());
    const outputs = await backend.predict({
      [input?.name ?? '']: { type: 'float32', dims: [data.length, columns.length], data: values },
    });
    const [output] = Object.values(outputs);
    return reply(response, 200, { predictions: output && listOf(output) });
  }

  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url: `http://${host}`,
    host,
    asked,
    get mood() {
      return state.mood;
    },
    set mood(mood) {
      state.mood = mood;
    },
    async close() {
      server.closeAllConnections();
      await new Promise(resolve => server.close(resolve));
    },
  };
}

function reply(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}
