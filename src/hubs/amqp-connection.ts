import net from 'node:net';
import tls from 'node:tls';
import { CbsClient } from '@azure/core-amqp';
import { Connection, ConnectionEvents, message, types } from 'rhea-promise';
import { boundAmqp, type Rhea } from '../core/bounded-amqp.ts';
import { asError } from '../core/errors.ts';
import type { NamespaceAddress } from '../core/namespace-address.ts';
import { abortable } from '../core/waiting.ts';
import { attachSender, describe, type SenderLink, watchLink } from './sender-link.ts';

/** One AMQP connection to a namespace, made anew when it broke. */
export interface AmqpConnection {
  /** @param path `<hub>/Partitions/<id>` */
  openSender(path: string, signal: AbortSignal): Promise<SenderLink>;
  close(): Promise<void>;
}

/** Connecting, signing in and attaching a link, each. */
const STEP_TIMEOUT_MS = 15_000;
const RENEWAL_RETRY_MS = 30_000;

boundAmqp({ types, message } as unknown as Rhea);

export function createAmqpConnection(address: NamespaceAddress, stepTimeoutMs = STEP_TIMEOUT_MS): AmqpConnection {
  let current: Promise<Session> | undefined;

  const session = (): Promise<Session> => {
    if (!current) {
      const opening = openSession(address, stepTimeoutMs, () => {
        if (current === opening) current = undefined;
      });
      current = opening;
      opening.catch(() => {
        if (current === opening) current = undefined;
      });
    }
    return current;
  };

  return {
    async openSender(path, signal) {
      signal.throwIfAborted();
      return (await session()).openSender(path);
    },
    async close() {
      const closing = current;
      current = undefined;
      await closing?.then(
        session => session.close(),
        () => {},
      );
    },
  };
}

interface Session {
  openSender(path: string): Promise<SenderLink>;
  close(): Promise<void>;
}

async function openSession(address: NamespaceAddress, stepTimeoutMs: number, onLost: () => void): Promise<Session> {
  const { host, port } = address;
  let socket: net.Socket | undefined;
  /** What rhea reads and writes: the socket, or TLS over it. */
  let wire: net.Socket | undefined;
  const connection = new Connection({
    transport: 'tcp', // `connect` below makes the socket, so that it can be cut and is sent from without delay
    host,
    hostname: host,
    port,
    username: 'hubscore', // with a user name and no password rhea signs in anonymously; the token follows
    reconnect: false,
    idle_time_out: 60_000,
    operationTimeoutInSeconds: stepTimeoutMs / 1000,
    properties: { product: 'hubscore' },
    connection_details: () => ({
      host,
      port,
      connect: (_port: number, _host: string, _options: unknown, connected: () => void) => {
        socket = net.connect({ host, port, noDelay: true });
        wire = address.tls ? tls.connect({ socket, servername: host }, connected) : socket.once('connect', connected);
        return wire;
      },
    }),
  });
  const lost = new AbortController();
  const lose = (error: Error): void => {
    lost.abort(error);
    onLost();
  };
  for (const event of [
    ConnectionEvents.disconnected,
    ConnectionEvents.connectionClose,
    ConnectionEvents.connectionError,
    ConnectionEvents.error,
    ConnectionEvents.protocolError,
  ]) {
    connection.on(event, context =>
      lose(describe(context?.error ?? context?.connection?.error, 'the connection broke')),
    );
  }
  const cut = (error: Error): void => {
    lose(error);
    // Closed in the usual way, the system would go on trying to deliver what was written, for minutes where the network is away.
    socket?.resetAndDestroy();
    // That raises no event of those rhea listens to: it would keep its timers, and the process with them, for two minutes.
    wire?.emit('error', error);
  };
  const cbs = new CbsClient(connection, `connection-${connection.id}`);
  /** The service answers one claim at a time. */
  let claiming: Promise<unknown> = Promise.resolve();

  async function authorize(audience: string): Promise<number> {
    const { token, type, renewInMs } = await address.claim(audience);
    const claim = claiming.then(() => cbs.negotiateClaim(audience, token, type, { timeoutInMs: stepTimeoutMs }));
    claiming = claim.catch(() => {});
    await cutWhereSilent(abortable(claim, lost.signal));
    return renewInMs;
  }

  /** Who does not answer a step will not answer the next either, though the socket looks open for as long as a network swallows what is sent: the next sender connects anew. */
  async function cutWhereSilent<T>(step: Promise<T>): Promise<T> {
    try {
      return await step;
    } catch (thrown) {
      if (isTimeout(thrown)) cut(asError(thrown));
      throw thrown;
    }
  }

  try {
    await abortable(cbs.init({ timeoutInMs: stepTimeoutMs }), lost.signal);
  } catch (thrown) {
    cut(asError(thrown));
    throw thrown;
  }

  return {
    async openSender(path) {
      const audience = `${address.audienceBase}${path}`;
      const renewInMs = await authorize(audience);
      const sender = await cutWhereSilent(abortable(attachSender(connection, path), lost.signal));
      const stopRenewing = keepAuthorized(() => authorize(audience), renewInMs);
      return watchLink(sender, { lost: lost.signal, cut }, stopRenewing);
    },
    async close() {
      await abortable(connection.close(), lost.signal).catch(() => {});
      cut(new Error('the connection was closed'));
    },
  };
}

function isTimeout(thrown: unknown): boolean {
  const { name, code } = thrown as { readonly name?: unknown; readonly code?: unknown };
  return name === 'OperationTimeoutError' || code === 'OperationTimeoutError';
}

/** Renews the claim before it expires; where that fails for good the service detaches the link, and the next send opens another. */
function keepAuthorized(authorize: () => Promise<number>, renewInMs: number): () => void {
  let timer: NodeJS.Timeout;
  let stopped = false;
  const schedule = (delayMs: number): void => {
    if (stopped) return;
    timer = setTimeout(() => authorize().then(schedule, () => schedule(RENEWAL_RETRY_MS)), delayMs);
    timer.unref();
  };
  schedule(renewInMs);
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}
