import rhea, {
  type Connection,
  type ConnectionOptions,
  type Container,
  type EventContext,
  type Receiver,
  type Sender,
  type Session,
} from 'rhea';
import { BatchedSocket, type ByteStream } from './amqp/batched-socket.ts';
import {
  acceptSocket,
  amqpError,
  holdAttach,
  refuseAttach,
  takeOverSession,
  writeFullLengthFrames,
} from './amqp/rhea-private.ts';
import type { Client, OpenLink, Service } from './client.ts';
import { endOf } from './links/expiry.ts';
import { openIncoming } from './links/open-incoming.ts';
import { openOutgoing } from './links/open-outgoing.ts';
import { Producers } from './links/producers.ts';
import { Receivers } from './links/receivers.ts';
import { Refusals } from './links/refusals.ts';
import { Throttle } from './links/throttle.ts';
import type { Namespace } from './namespace.ts';
import { ServiceError } from './service-error.ts';

export interface ServerOptions {
  readonly namespace: Namespace;
  readonly clock: () => number;
  readonly warn: (message: string) => void;
  /** Events that the namespace takes a second; absent: as many as come. */
  readonly eventsPerSecond?: number | undefined;
  /** A token holds no longer than this, whatever it says. */
  readonly tokenMs: number;
  /** A link whose sender was silent for longer is ended. */
  readonly idleMs: number;
}

/** How often links are looked at whether they have to end. */
const LOOK_EVERY_MS = 250;

const CONTAINER_ID = 'hubscore-event-hubs';
/** As the service has them. */
const CONNECTION = {
  container_id: CONTAINER_ID,
  max_frame_size: 65536,
  channel_max: 4999,
  idle_time_out: 120_000,
  reconnect: false,
};

/** The AMQP side of the namespace: takes sockets, opens and ends links. */
export class AmqpServer {
  readonly #service: Service;
  readonly #container: Container;
  readonly #clients = new Map<Connection, Client>();
  readonly #refusals = new Refusals();

  constructor({ namespace, clock, warn, eventsPerSecond, tokenMs, idleMs }: ServerOptions) {
    writeFullLengthFrames();
    this.#service = {
      namespace,
      clock,
      warn,
      throttle: eventsPerSecond === undefined ? undefined : new Throttle(eventsPerSecond, clock),
      tokenMs,
      receivers: new Receivers(),
      producers: new Producers(),
      detach: (client, link, error) => {
        closeLink(client, link);
        link.close(amqpError(error));
      },
    };
    const container = rhea.create_container({
      id: CONTAINER_ID,
      receiver_options: { autoaccept: false, credit_window: 0 },
    });
    container.sasl_server_mechanisms.enable_anonymous();
    // .NET clients ask for this one; like ANONYMOUS, it says that tokens will come by $cbs.
    container.sasl_server_mechanisms.MSSBCBS = container.sasl_server_mechanisms.ANONYMOUS;
    this.#container = container;
    this.#listen(warn);
    setInterval(() => this.#endLinks(idleMs), LOOK_EVERY_MS).unref();
  }

  #endLinks(idleMs: number): void {
    const now = this.#service.clock();
    for (const client of this.#clients.values()) {
      for (const [link, open] of [...client.links]) {
        const error = endOf(client, open, now, idleMs);
        if (error) this.#service.detach(client, link, error);
      }
    }
  }

  accept(stream: ByteStream): void {
    const connection = this.#container.create_connection(CONNECTION as ConnectionOptions);
    const socket = new BatchedSocket(stream);
    this.#clients.set(connection, { socket, links: new Map(), tokens: new Map() });
    socket.once('data', (bytes: Buffer) => {
      if (isTls(bytes))
        this.#service.warn('a client speaks TLS: its connection string lacks UseDevelopmentEmulator=true');
    });
    acceptSocket(connection, socket);
  }

  /** Tells clients that they will have to come back. */
  close(): void {
    for (const connection of this.#clients.keys())
      connection.close({ condition: 'amqp:connection:forced', description: 'The Event Hubs endpoint is stopping.' });
  }

  #listen(warn: (message: string) => void): void {
    const on = (events: string[], listener: (context: EventContext) => void) => {
      for (const event of events) this.#container.on(event, listener);
    };
    on(['session_open'], ({ session, connection }) => this.#onSession(session as Session, connection));
    on(['receiver_open', 'sender_open'], ({ receiver, sender }) =>
      this.#attach((receiver ?? sender) as Receiver | Sender),
    );
    on(['receiver_close', 'sender_close'], ({ receiver, sender, connection }) => {
      const client = this.#clients.get(connection);
      if (client) closeLink(client, (receiver ?? sender) as Receiver | Sender);
    });
    on(['session_close'], ({ session, connection }) => this.#closeLinks(connection, link => link.session === session));
    on(['disconnected', 'connection_close'], ({ connection }) => {
      this.#closeLinks(connection, () => true);
      this.#clients.delete(connection);
    });
    // What peers report of themselves needs no answer, but rhea throws where nobody listens.
    on(['connection_error', 'session_error', 'sender_error', 'receiver_error'], () => {});
    for (const event of ['error', 'protocol_error'])
      this.#container.on(event, ({ message }: Error) => warn(`ended a connection: ${message}`));
  }

  #onSession(session: Session, connection: Connection): void {
    const client = this.#clients.get(connection);
    if (!client) return;
    takeOverSession(
      session,
      frame => client.links.get(frame.link)?.onFrame?.(frame),
      () => {
        for (const [link, open] of client.links) if (link.session === session) open.onFlow?.();
      },
    );
  }

  #attach(link: Receiver | Sender): void {
    const client = this.#clients.get(link.connection);
    if (!client) return;
    try {
      const open: OpenLink = link.is_receiver()
        ? openIncoming(this.#service, client, link as Receiver)
        : openOutgoing(this.#service, client, link as Sender);
      client.links.set(link, open);
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      this.#refuse(client, link, error);
    }
  }

  /** At once, or later where refusals of the same address come thick and fast. */
  #refuse(client: Client, link: Receiver | Sender, error: ServiceError): void {
    const node = link.is_receiver() ? link.target : link.source;
    const waitMs = this.#refusals.waitMs(String(node?.address).toLowerCase(), this.#service.clock());
    if (waitMs === 0) {
      refuseAttach(link, error);
      return;
    }
    const answer = holdAttach(link);
    const timer = setTimeout(() => closeLink(client, link), waitMs);
    client.links.set(link, {
      // The time is up, or the peer did not wait for it.
      close: () => {
        clearTimeout(timer);
        if (!link.session.is_open()) return;
        answer();
        refuseAttach(link, error);
      },
    });
  }

  #closeLinks(connection: Connection, which: (link: Receiver | Sender) => boolean): void {
    const client = this.#clients.get(connection);
    for (const link of [...(client?.links.keys() ?? [])]) if (which(link)) closeLink(client as Client, link);
  }
}

/** How a TLS handshake begins: a record of type 22, version 3.x. Where AMQP should begin that has one cause. */
function isTls(bytes: Buffer): boolean {
  return bytes[0] === 22 && bytes[1] === 3;
}

function closeLink(client: Client, link: Receiver | Sender): void {
  const open = client.links.get(link);
  client.links.delete(link);
  open?.close?.();
}
