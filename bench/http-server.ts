/** A server for the driver to ask, a process of its own: `api`, hubscore's HTTP API behind node:http and no Functions host; `bare`, the same server that reads a body and answers 200. Prints its port. */
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { HttpRequest } from '../src/http/http.ts';
import { openApi } from './http-api.ts';

const MODEL_PATH = /^\/v2\/models\/([^/]+)\/infer$/;
const { answer } = process.argv[2] === 'api' ? await openApi() : { answer: undefined };

const server = createServer(async (request, response) => {
  const body = await read(request);
  if (answer === undefined) {
    response.writeHead(200, { 'content-type': 'application/json' }).end('{"outputs":[]}');
    return;
  }
  const name = MODEL_PATH.exec(request.url ?? '')?.[1] ?? '';
  const { buffer, byteOffset, byteLength } = body;
  const asked: HttpRequest = {
    params: { name },
    headers: { get: header => (request.headers[header] as string | undefined) ?? null },
    arrayBuffer: async () => buffer.slice(byteOffset, byteOffset + byteLength),
  };
  const reply = await answer('v2-infer', asked);
  response.writeHead(reply.status, reply.headers).end(reply.body);
});
server.listen(0, '127.0.0.1', () => console.log((server.address() as AddressInfo).port));

async function read(request: IncomingMessage): Promise<Buffer<ArrayBuffer>> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}
