import { once } from 'node:events';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What stands between an app and its storage: passes requests on, or answers them itself. */
export interface AnsweringProxy {
  readonly port: number;
  /** Undefined: they are passed on. */
  answer: { readonly status: number; readonly type: string; readonly body: string } | undefined;
  close(): Promise<void>;
}

export async function startAnsweringProxy(target: number): Promise<AnsweringProxy> {
  const server = createServer((asked, response) => {
    if (proxy.answer) {
      const { status, type, body } = proxy.answer;
      asked.resume();
      response.writeHead(status, { 'content-type': type }).end(body);
      return;
    }
    const { method, url, headers } = asked;
    const onward = request({ port: target, host: '127.0.0.1', method, path: url, headers }, answered => {
      response.writeHead(answered.statusCode ?? 500, answered.headers);
      answered.pipe(response);
    });
    onward.on('error', () => response.destroy());
    asked.pipe(onward);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const proxy: AnsweringProxy = {
    port: (server.address() as AddressInfo).port,
    answer: undefined,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return proxy;
}
