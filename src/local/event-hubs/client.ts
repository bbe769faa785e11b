import type { Receiver, Sender } from 'rhea';
import type { BatchedSocket } from './amqp/batched-socket.ts';
import type { IncomingFrame } from './amqp/rhea-private.ts';
import type { Producers } from './links/producers.ts';
import type { Receivers } from './links/receivers.ts';
import type { Throttle } from './links/throttle.ts';
import type { Namespace } from './namespace.ts';
import { type ServiceError, unauthorized } from './service-error.ts';

/** A link as it is served: frames or flows of the peer come in, `close` is called once when it ends. */
export interface OpenLink {
  onFrame?(frame: IncomingFrame): void;
  onFlow?(): void;
  close?(): void;
  /** What of a hub it is a link to, for which a token has to hold; undefined for `$cbs` and `$management`. */
  readonly path?: string;
  /** When its sender last sent, milliseconds since the epoch; undefined for receivers. */
  usedAtMs?: number;
}

/** One connection. */
export interface Client {
  readonly socket: BatchedSocket;
  readonly links: Map<Receiver | Sender, OpenLink>;
  /** Tokens that `$cbs` has accepted: until when, milliseconds since the epoch, by what they are for. */
  readonly tokens: Map<string, number>;
}

/** What opening a link needs. */
export interface Service {
  readonly namespace: Namespace;
  readonly receivers: Receivers;
  readonly producers: Producers;
  readonly clock: () => number;
  readonly warn: (message: string) => void;
  /** Absent: events are taken as fast as they come. */
  readonly throttle: Throttle | undefined;
  /** A token holds no longer than this, whatever it says. */
  readonly tokenMs: number;
  /** Ends a link with an error, as when another takes its place. */
  detach(client: Client, link: Receiver | Sender, error: ServiceError): void;
}

/** Whether a token was accepted that still holds. */
export function isAuthorized({ tokens }: Client, nowMs: number): boolean {
  for (const untilMs of tokens.values()) if (untilMs > nowMs) return true;
  return false;
}

/** @throws ServiceError amqp:unauthorized-access where no token was accepted that still holds. */
export function requireToken(client: Client, nowMs: number, what: string): void {
  if (!isAuthorized(client, nowMs)) throw unauthorized(what);
}
