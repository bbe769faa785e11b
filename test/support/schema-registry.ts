import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface RegistryServer {
  readonly url: string;
  /** Paths that were asked for. */
  readonly asked: string[];
  readonly authorizations: (string | undefined)[];
  /** Answers 503. */
  away: boolean;
  close(): Promise<void>;
}

/** A schema registry's published REST: answers by path, 404 for others. */
export async function startRegistry(
  answers: Readonly<Record<string, { readonly body: string; readonly type?: string }>>,
): Promise<RegistryServer> {
  const server = createServer((request: IncomingMessage, response) => {
    const path = String(request.url);
    registry.asked.push(path);
    registry.authorizations.push(request.headers.authorization);
    const answer = answers[path];
    const status = registry.away ? 503 : answer === undefined ? 404 : 200;
    response.writeHead(status, { 'content-type': answer?.type ?? 'application/vnd.schemaregistry.v1+json' });
    response.end(status === 200 ? answer?.body : '{"error_code":40403,"message":"Schema not found"}');
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const registry: RegistryServer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked: [],
    authorizations: [],
    away: false,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return registry;
}

/** A Confluent registry that clients register schemas with, as far as serializers ask it: ids count from 1; a Protobuf descriptor is given back as `proto`, its text. */
export async function startConfluentRegistry(proto: string): Promise<Pick<RegistryServer, 'url' | 'close'>> {
  const schemas: string[] = [];
  const server = createServer(async (request, response) => {
    const path = String(request.url).split('?')[0] ?? '';
    const answer = (status: number, value: object) => {
      response.writeHead(status, { 'content-type': 'application/vnd.schemaregistry.v1+json' });
      response.end(JSON.stringify(value));
    };
    if (request.method === 'POST' && /^\/subjects\/[^/]+\/versions$/.test(path)) {
      const body = Buffer.concat(await request.toArray()).toString();
      const { schemaType = 'AVRO', schema } = JSON.parse(body) as { schemaType?: string; schema: string };
      const known = JSON.stringify({ schemaType, schema: schemaType === 'PROTOBUF' ? proto : schema });
      if (!schemas.includes(known)) schemas.push(known);
      return answer(200, { id: schemas.indexOf(known) + 1, version: 1, ...(JSON.parse(known) as object) });
    }
    const found = schemas[Number(/^\/schemas\/ids\/(\d+)$/.exec(path)?.[1] ?? 0) - 1];
    return found === undefined
      ? answer(404, { error_code: 40403, message: 'not found' })
      : answer(200, JSON.parse(found));
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
