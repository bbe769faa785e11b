import type { Receiver, Sender } from 'rhea';
import type { BatchedSocket } from './amqp/batched-socket.ts';
import type { IncomingFrame } from './amqp/rhea-private.ts';
import type { Producers } from './links/producers.ts';
import type { Receivers } from './links/receivers.ts';
import type { Namespace } from './namespace.ts';
import { type ServiceError, unauthorized } from './service-error.ts';

/** A link as it is served: frames or flows of the peer come in, `close` is called once when it ends. */
export interface OpenLink {
  onFrame?(frame: IncomingFrame): void;
  onFlow?(): void;
  close?(): void;
}

/** One connection. */
export interface Client {
  readonly socket: BatchedSocket;
  readonly links: Map<Receiver | Sender, OpenLink>;
  /** True once `$cbs` has accepted a token. */
  isAuthorized: boolean;
}

/** What opening a link needs. */
export interface Service {
  readonly namespace: Namespace;
  readonly receivers: Receivers;
  readonly producers: Producers;
  readonly clock: () => number;
  readonly warn: (message: string) => void;
  /** Ends a link with an error, as when another takes its place. */
  detach(client: Client, link: Receiver | Sender, error: ServiceError): void;
}

/** @throws ServiceError amqp:unauthorized-access before a token was accepted. */
export function requireToken(client: Client, what: string): void {
  if (!client.isAuthorized) throw unauthorized(what);
}
