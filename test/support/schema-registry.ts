import { createServer, type IncomingMessage } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TestCertificate } from './test-certificate.ts';

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

export interface AzureRegistry {
  /** `localhost:<port>`, where a namespace's name stands in Azure. */
  readonly host: string;
  /** IDENTITY_ENDPOINT and IDENTITY_HEADER, as App Service sets them for an app with an identity. */
  readonly identity: Readonly<Record<string, string>>;
  /** Schemas that were asked for by the identity's token. */
  readonly given: string[];
  close(): void;
}

const IDENTITY_HEADER = 'the-identity';
const SCOPE = 'https://eventhubs.azure.net';

/** The schema registry of a namespace, as far as Azure's encoders and the app ask it, by HTTPS and for a token alone, and the endpoint that gives the app's identity that token. */
export async function startAzureRegistry(certificate: TestCertificate): Promise<AzureRegistry> {
  const schemas: { text: string; type: string }[] = [];
  const given: string[] = [];
  const token = `token-${process.pid}`;
  const about = (id: string, type: string) => ({
    'schema-id': id,
    'schema-group-name': 'g',
    'schema-name': 'Row',
    'schema-version': '1',
    'content-type': `application/json; serialization=${type}`,
  });
  const server = createSecureServer(certificate, async (request, response) => {
    const { pathname } = new URL(String(request.url), 'https://localhost');
    const idOf = (index: number) => String(index + 1).padStart(32, '0');
    if (!/^Bearer ./.test(request.headers.authorization ?? '')) return response.writeHead(401).end();
    if (request.method === 'PUT' && /^\/\$schemaGroups\/g\/schemas\/[^/]+$/.test(pathname)) {
      const text = Buffer.concat(await request.toArray()).toString();
      const type = /serialization=(\w+)/.exec(request.headers['content-type'] ?? '')?.[1] ?? 'Avro';
      const at = schemas.findIndex(schema => schema.text === text);
      const id = idOf(at === -1 ? schemas.push({ text, type }) - 1 : at);
      return response.writeHead(204, about(id, type)).end();
    }
    const id = /^\/\$schemaGroups\/\$schemas\/(\w{32})$/.exec(pathname)?.[1] ?? '';
    const schema = schemas[Number(id) - 1];
    if (schema === undefined) return response.writeHead(404, { 'content-type': 'application/json' }).end('{}');
    if (request.headers.authorization === `Bearer ${token}`) given.push(id);
    return response.writeHead(200, about(id, schema.type)).end(schema.text);
  });
  const identity = createServer((request, response) => {
    const resource = new URL(String(request.url), 'http://localhost').searchParams.get('resource');
    const known = request.headers['x-identity-header'] === IDENTITY_HEADER && resource === SCOPE;
    const expires_on = String(Math.floor(Date.now() / 1000) + 86_400);
    response.writeHead(known ? 200 : 400, { 'content-type': 'application/json' });
    response.end(known ? JSON.stringify({ access_token: token, expires_on, resource, token_type: 'Bearer' }) : '{}');
  });
  const servers = [server, identity];
  await Promise.all(servers.map(one => new Promise<void>(resolve => one.listen(0, '127.0.0.1', resolve))));
  const [port, identityPort] = servers.map(one => (one.address() as AddressInfo).port);
  return {
    host: `localhost:${port}`,
    identity: { IDENTITY_ENDPOINT: `http://127.0.0.1:${identityPort}/token`, IDENTITY_HEADER },
    given,
    close() {
      for (const one of servers) {
        one.close();
        one.closeAllConnections();
      }
    },
  };
}
