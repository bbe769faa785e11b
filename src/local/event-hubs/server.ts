import rhea, {
  type Connection,
  type Container,
  type EventContext,
  type Receiver,
  type Sender,
  type Session,
} from 'rhea';
import { parseAddress } from './address.ts';
import { BatchedSocket, type ByteStream } from './amqp/batched-socket.ts';
import { IncomingDeliveries, MAX_MESSAGE_BYTES } from './amqp/incoming-delivery.ts';
import {
  acceptSocket,
  amqpError,
  answerAttach,
  type IncomingFrame,
  takeOverSession,
  writeFullLengthFrames,
} from './amqp/rhea-private.ts';
import { answerCbs } from './links/cbs.ts';
import { Delivery } from './links/deliver.ts';
import { openIngest } from './links/ingest.ts';
import { answerManagement } from './links/management.ts';
import { Receivers } from './links/receivers.ts';
import { Replies } from './links/replies.ts';
import { RUNTIME_METRICS, runtimeMetrics } from './links/runtime-metrics.ts';
import { startPosition } from './links/start-position.ts';
import type { Namespace } from './namespace.ts';
import { notFound, ServiceError, unauthorized } from './service-error.ts';

interface OpenLink {
  onFrame?(frame: IncomingFrame): void;
  onFlow?(): void;
  close?(): void;
}

interface Client {
  readonly socket: BatchedSocket;
  readonly links: Map<Receiver | Sender, OpenLink>;
  isAuthorized: boolean;
}

export interface ServerOptions {
  readonly namespace: Namespace;
  readonly clock: () => number;
  readonly warn: (message: string) => void;
}

/** What the namespace speaks: takes sockets, opens links, ends them. */
export class AmqpServer {
  readonly #options: ServerOptions;
  readonly #container: Container;
  readonly #clients = new Map<Connection, Client>();
  readonly #receivers = new Receivers();

  constructor(options: ServerOptions) {
    this.#options = options;
    writeFullLengthFrames();
    const container = rhea.create_container({ id: 'hubscore-event-hubs' });
    container.sasl_server_mechanisms.enable_anonymous();
    // .NET clients ask for this one; like ANONYMOUS, it says that tokens will come by $cbs.
    container.sasl_server_mechanisms.MSSBCBS = container.sasl_server_mechanisms.ANONYMOUS;
    this.#container = container;
    container.on('session_open', ({ session, connection }: EventContext) =>
      this.#onSession(session as Session, connection),
    );
    container.on('receiver_open', ({ receiver }: EventContext) => this.#attach(receiver as Receiver));
    container.on('sender_open', ({ sender }: EventContext) => this.#attach(sender as Sender));
    for (const event of ['receiver_close', 'sender_close'])
      container.on(event, ({ receiver, sender, connection }: EventContext) => {
        this.#end(connection, (sender ?? receiver) as Sender | Receiver);
      });
    container.on('session_close', ({ session, connection }: EventContext) => {
      for (const link of this.#clients.get(connection)?.links.keys() ?? [])
        if (link.session === session) this.#end(connection, link);
    });
    for (const event of ['disconnected', 'connection_close'])
      container.on(event, ({ connection }: EventContext) => this.#forget(connection));
    // Errors that peers report of themselves need no answer, but rhea throws where nobody listens.
    for (const event of ['connection_error', 'session_error', 'sender_error', 'receiver_error'])
      container.on(event, () => {});
    for (const event of ['error', 'protocol_error'])
      container.on(event, (error: Error) => options.warn(`connection ended: ${error.message ?? error}`));
  }

  accept(stream: ByteStream): void {
    const connection = this.#container.create_connection({
      container_id: 'hubscore-event-hubs',
      max_frame_size: 65536,
      channel_max: 4999,
      idle_time_out: 120_000,
      reconnect: false,
      receiver_options: { autoaccept: false, credit_window: 0 },
    } as never);
    const socket = new BatchedSocket(stream);
    this.#clients.set(connection, { socket, links: new Map(), isAuthorized: false });
    acceptSocket(connection, socket);
  }

  /** Tells clients to come back later, and ends. */
  close(): void {
    for (const [connection, { socket }] of this.#clients) {
      connection.close({ condition: 'amqp:connection:forced', description: 'The Event Hubs endpoint is stopping.' });
      setImmediate(() => setImmediate(() => socket.end()));
    }
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
      client.links.set(
        link,
        link.is_receiver() ? this.#openReceiver(client, link as Receiver) : this.#openSender(client, link as Sender),
      );
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      answerAttach(link, link.is_receiver() ? { max_message_size: MAX_MESSAGE_BYTES } : { initial_delivery_count: 0 });
      link.close(amqpError(error));
    }
  }

  /** The peer sends: `$cbs`, `$management`, a hub or one of its partitions. */
  #openReceiver(client: Client, link: Receiver): OpenLink {
    const { namespace, clock } = this.#options;
    const address = parseAddress(String(link.target?.address ?? ''));
    const answer = (reply: (message: object) => object): IncomingDeliveries =>
      new IncomingDeliveries(link, message => {
        message.accept();
        const replies = this.#repliesFor(client, link);
        replies?.send(reply(rhea.message.decode(message.bytes)));
      });
    let open: IncomingDeliveries;
    switch (address.kind) {
      case 'cbs':
        open = answer(request => {
          const { reply, isAccepted } = answerCbs(request as never, clock());
          client.isAuthorized ||= isAccepted;
          return reply;
        });
        break;
      case 'management':
        this.#requireToken(client, '$management');
        open = answer(request => answerManagement(request as never, namespace));
        break;
      case 'consumer':
        throw notFound(String(link.target?.address));
      default: {
        const hub = namespace.hub(address.hub);
        const partition =
          address.kind === 'partition' ? namespace.partition(address.hub, address.partition) : undefined;
        this.#requireToken(client, hub.name);
        open = openIngest(link, namespace, hub, partition);
      }
    }
    answerAttach(link, { max_message_size: MAX_MESSAGE_BYTES });
    return { onFrame: frame => open.onFrame(frame) };
  }

  /** The peer receives: answers of `$cbs` and `$management`, or a partition's events. */
  #openSender(client: Client, link: Sender): OpenLink {
    const { namespace, clock } = this.#options;
    const address = parseAddress(String(link.source?.address ?? ''));
    if (address.kind === 'cbs' || address.kind === 'management') {
      answerAttach(link, { initial_delivery_count: 0, max_message_size: MAX_MESSAGE_BYTES });
      return new Replies(link);
    }
    if (address.kind !== 'consumer') throw notFound(String(link.source?.address));
    const hub = namespace.hub(address.hub);
    if (!hub.groups.has(address.group.toLowerCase())) throw notFound(`${address.hub}:${address.group}`);
    const partition = namespace.partition(address.hub, address.partition);
    this.#requireToken(client, hub.name);
    const position = startPosition(partition.log, selectorOf(link));
    const leave = this.#receivers.enter(`${hub.name}/${address.group}/${partition.id}`.toLowerCase(), {
      epoch: numberOf(link.properties?.['com.microsoft:epoch']),
      detach: error => {
        client.links.get(link)?.close?.();
        client.links.delete(link);
        link.close(amqpError(error));
      },
    });
    const wantsMetrics = [link.desired_capabilities].flat().some(capability => String(capability) === RUNTIME_METRICS);
    answerAttach(link, {
      initial_delivery_count: 0,
      max_message_size: MAX_MESSAGE_BYTES,
      ...(wantsMetrics ? { offered_capabilities: [RUNTIME_METRICS] } : {}),
    });
    const metrics = wantsMetrics ? () => runtimeMetrics(partition.log, clock()) : undefined;
    const delivery = new Delivery(link, client.socket, partition, position, metrics);
    return {
      onFlow: () => delivery.onFlow(),
      close: () => {
        leave();
        delivery.close();
      },
    };
  }

  /** The link of the same session that answers requests which come in on `link`. */
  #repliesFor(client: Client, link: Receiver): Replies | undefined {
    const kind = parseAddress(String(link.target?.address)).kind;
    for (const [other, open] of client.links) {
      if (!(open instanceof Replies) || other.session !== link.session) continue;
      if (parseAddress(String(other.source?.address)).kind === kind) return open;
    }
    return undefined;
  }

  #requireToken(client: Client, what: string): void {
    if (!client.isAuthorized) throw unauthorized(what);
  }

  #end(connection: Connection, link: Receiver | Sender): void {
    const links = this.#clients.get(connection)?.links;
    links?.get(link)?.close?.();
    links?.delete(link);
  }

  #forget(connection: Connection): void {
    for (const open of this.#clients.get(connection)?.links.values() ?? []) open.close?.();
    this.#clients.delete(connection);
  }
}

function selectorOf(link: Sender): string | undefined {
  const filter = (link.source?.filter ?? {}) as Record<string, { value?: unknown } | undefined>;
  const selector = Object.values(filter)[0];
  return selector === undefined ? undefined : String(selector.value ?? selector);
}

function numberOf(value: unknown): number | undefined {
  if (value === undefined || value === null) return undefined;
  return Number(value);
}
