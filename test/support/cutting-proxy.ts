import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createServer, type Socket } from 'node:net';

/** A TCP proxy that breaks connections off. */
export interface CuttingProxy {
  readonly port: number;
  /** Bytes that went to the client so far. */
  readonly sentBytes: number;
  /** The next connection to carry more than this many bytes to the client is cut there; one entry a cut. */
  readonly cuts: number[];
  close(): Promise<void>;
}

export async function startCuttingProxy(target: number): Promise<CuttingProxy> {
  const cuts: number[] = [];
  const sockets = new Set<Socket>();
  let sentBytes = 0;
  const server = createServer(client => {
    const upstream = connect(target, '127.0.0.1');
    let carried = 0;
    const cut = () => {
      client.destroy();
      upstream.destroy();
    };
    upstream.on('data', chunk => {
      const limit = cuts[0] ?? Number.POSITIVE_INFINITY;
      const rest = chunk.subarray(0, Math.max(0, limit - carried));
      carried += chunk.length;
      sentBytes += rest.length;
      client.write(rest);
      if (carried > limit) {
        cuts.shift();
        client.end(cut);
      }
    });
    client.on('data', chunk => void upstream.write(chunk));
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', cut).on('close', () => {
        sockets.delete(socket);
        cut();
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    get sentBytes() {
      return sentBytes;
    },
    cuts,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
