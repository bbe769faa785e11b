import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createServer, type Socket } from 'node:net';

/**
 * - `pass`: nothing is done to them.
 * - `cut`: they are broken off, and so is every new one.
 * - `reset`: the same with an RST, as where a process has died.
 * - `mute`: what the client says arrives, but no answer comes back: what it sends is taken and never confirmed.
 * - `hold`: nothing gets through until they pass again, as where a network is away for a while: what the client wrote by
 *   then arrives late, even if it has closed the connection meanwhile, unless it has reset it.
 * - `slow`: so many bytes a second, each way.
 * - `answer`: whatever the client says, this is the answer, and the end.
 */
export type ProxyFault =
  | 'pass'
  | 'cut'
  | 'reset'
  | 'mute'
  | 'hold'
  | { readonly slow: number }
  | { readonly answer: string };

/** A TCP proxy that can treat badly those connections whose client mentions a certain text. */
export interface FaultProxy {
  readonly port: number;
  /** From now on, for connections that there are and those to come. */
  set(fault: ProxyFault): void;
  /** For the connections that there are; those to come pass. */
  setPresent(fault: ProxyFault): void;
  /** The next connection to carry more than this many bytes to the client is cut there; one entry a cut. */
  readonly cuts: number[];
  /** Bytes that went to clients so far. */
  readonly sentBytes: number;
  close(): Promise<void>;
}

interface Pair {
  readonly client: Socket;
  readonly upstream: Socket;
  /** From the client, held back. */
  readonly held: Buffer[];
  marked: boolean;
  clientEnded: boolean;
  /** Bytes that went to the client. */
  carried: number;
  fault: ProxyFault;
}

/** @param mark only connections over which the client has sent this text suffer from faults; all where there is none */
export async function startFaultProxy(target: number, mark = ''): Promise<FaultProxy> {
  const pairs = new Set<Pair>();
  const cuts: number[] = [];
  let fault: ProxyFault = 'pass';
  let sentBytes = 0;

  const faultOf = (pair: Pair) => (pair.marked ? pair.fault : 'pass');
  const end = (pair: Pair, how: 'cut' | 'reset' = 'cut') => {
    pairs.delete(pair);
    if (how === 'reset') pair.client.resetAndDestroy();
    else pair.client.destroy();
    pair.upstream.destroy();
  };
  const apply = (pair: Pair) => {
    const suffers = faultOf(pair);
    if (suffers === 'cut' || suffers === 'reset') return end(pair, suffers);
    if (typeof suffers === 'object' && 'answer' in suffers) {
      if (pair.held.length > 0) pair.client.end(suffers.answer, () => end(pair));
      return;
    }
    if (suffers === 'mute' || suffers === 'hold') pair.upstream.pause();
    else pair.upstream.resume();
    if (suffers === 'hold') return;
    for (const chunk of pair.held.splice(0)) pair.upstream.write(chunk);
    if (pair.clientEnded) pair.upstream.end();
  };
  /** Takes nothing more from a socket for as long as what it said takes on a slow line. */
  const brake = (pair: Pair, from: Socket, bytes: number) => {
    const suffers = faultOf(pair);
    if (typeof suffers !== 'object' || !('slow' in suffers)) return;
    from.pause();
    setTimeout(() => from.resume(), (1000 * bytes) / suffers.slow).unref();
  };
  const toClient = (pair: Pair, chunk: Buffer) => {
    const limit = cuts[0] ?? Number.POSITIVE_INFINITY;
    const rest = chunk.subarray(0, Math.max(0, limit - pair.carried));
    pair.carried += chunk.length;
    sentBytes += rest.length;
    pair.client.write(rest);
    if (pair.carried <= limit) return brake(pair, pair.upstream, chunk.length);
    cuts.shift();
    pair.client.end(() => end(pair));
  };
  const server = createServer({ allowHalfOpen: true, noDelay: true }, client => {
    const upstream = connect({ port: target, host: '127.0.0.1', noDelay: true });
    const pair: Pair = {
      ...{ client, upstream, held: [], fault },
      ...{ marked: mark === '', clientEnded: false, carried: 0 },
    };
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
      brake(pair, client, chunk.length);
    });
    client.on('end', () => {
      pair.clientEnded = true;
      apply(pair);
    });
    upstream.on('data', chunk => toClient(pair, chunk));
    for (const socket of [client, upstream]) socket.on('error', () => end(pair));
    upstream.on('close', () => {
      pairs.delete(pair);
      client.destroySoon(); // what is on its way still arrives
    });
    apply(pair);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const setAll = (next: ProxyFault) => {
    for (const pair of [...pairs]) {
      pair.fault = next;
      apply(pair);
    }
  };
  return {
    port: (server.address() as AddressInfo).port,
    cuts,
    get sentBytes() {
      return sentBytes;
    },
    set(next) {
      fault = next;
      setAll(next);
    },
    setPresent(next) {
      fault = 'pass';
      setAll(next);
    },
    async close() {
      for (const pair of [...pairs]) end(pair);
      server.close();
      await once(server, 'close');
    },
  };
}

/** An HTTP answer, as it goes over the wire, that ends its connection. */
export function httpAnswer(status: number, type: string, body: string): string {
  return `HTTP/1.1 ${status} -\r\nContent-Type: ${type}\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`;
}
