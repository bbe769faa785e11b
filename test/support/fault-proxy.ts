import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createServer, type Socket } from 'node:net';

/**
 * - `pass`: nothing is done to them.
 * - `cut`: they are broken off, and so is every new one.
 * - `mute`: what the client says arrives, but no answer comes back: what it sends is taken and never confirmed.
 * - `hold`: nothing gets through until they pass again, as where a network is away for a while: what the client wrote by
 *   then arrives late, even if it has closed the connection meanwhile, unless it has reset it.
 */
export type ProxyFault = 'pass' | 'cut' | 'mute' | 'hold';

/** A TCP proxy that can treat badly those connections whose client mentions a certain text. */
export interface FaultProxy {
  readonly port: number;
  /** From now on, for connections that there are and those to come. */
  set(fault: ProxyFault): void;
  close(): Promise<void>;
}

interface Pair {
  readonly client: Socket;
  readonly upstream: Socket;
  /** From the client, held back. */
  readonly held: Buffer[];
  marked: boolean;
  clientEnded: boolean;
}

/** @param mark only connections over which the client has sent this text suffer from faults */
export async function startFaultProxy(target: number, mark: string): Promise<FaultProxy> {
  const pairs = new Set<Pair>();
  let fault: ProxyFault = 'pass';

  const faultOf = ({ marked }: Pair) => (marked ? fault : 'pass');
  const end = (pair: Pair) => {
    pairs.delete(pair);
    pair.client.destroy();
    pair.upstream.destroy();
  };
  const apply = (pair: Pair) => {
    const suffers = faultOf(pair);
    if (suffers === 'cut') return end(pair);
    if (suffers === 'pass') pair.upstream.resume();
    else pair.upstream.pause();
    if (suffers !== 'hold') {
      for (const chunk of pair.held.splice(0)) pair.upstream.write(chunk);
      if (pair.clientEnded) pair.upstream.end();
    }
  };
  const server = createServer({ allowHalfOpen: true, noDelay: true }, client => {
    const upstream = connect({ port: target, host: '127.0.0.1', noDelay: true });
    const pair: Pair = { client, upstream, held: [], marked: false, clientEnded: false };
    pairs.add(pair);
    let tail = '';
    client.on('data', chunk => {
      if (!pair.marked) {
        const text = tail + chunk.toString('latin1');
        tail = text.slice(-mark.length);
        pair.marked = text.includes(mark);
      }
      pair.held.push(chunk);
      apply(pair);
    });
    client.on('end', () => {
      pair.clientEnded = true;
      apply(pair);
    });
    upstream.on('data', chunk => void client.write(chunk));
    for (const socket of [client, upstream]) socket.on('error', () => end(pair));
    upstream.on('close', () => end(pair));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    set(next) {
      fault = next;
      for (const pair of [...pairs]) apply(pair);
    },
    async close() {
      for (const pair of [...pairs]) end(pair);
      server.close();
      await once(server, 'close');
    },
  };
}
