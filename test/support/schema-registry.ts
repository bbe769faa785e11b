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
