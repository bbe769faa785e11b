import { ConnectionConfig, ConnectionContextBase, createSasTokenProvider, TokenType } from '@azure/core-amqp';
import { ConnectionEvents, type Receiver, types } from 'rhea-promise';
import { abortable } from '../../waiting.ts';
import type { EventHubsConnection } from '../connections.ts';

const SAS_RENEWAL_MS = 45 * 60 * 1000; // of the hour that a token lives
const ENTRA_SCOPE = 'https://eventhubs.azure.net/.default';
const SELECTOR_FILTER = 0x468c00000004;
const REGISTER_EVERY = 512;
const CLAIM_TIMEOUT_MS = 10_000;

/** Where reading begins, as Event Hubs filters: `x-opt-offset > '…'` and the like. */
export type Position =
  | { readonly kind: 'offset'; readonly after: string }
  | { readonly kind: 'sequence-number'; readonly after: number }
  | { readonly kind: 'enqueued-time'; readonly afterMs: number };

export interface LinkHandlers {
  /** An event's bytes, a bare AMQP message; a view on the network buffer. */
  onPayload(payload: Buffer): void;
  /** The link is gone, once. `stolen`: another receiver of this partition and group took over. */
  onClosed(reason: { readonly stolen: boolean; readonly message: string }): void;
}

export interface PartitionLink {
  /** Lets the service send so many events more. */
  addCredit(events: number): void;
  close(): Promise<void>;
}

interface Context {
  readonly base: ConnectionContextBase;
  /** Aborted once the connection is gone: the libraries leave requests that were under way then waiting for a minute. */
  readonly broken: AbortSignal;
}

/**
 * One AMQP connection to a hub, for the receivers of one consumer group. It opens when a receiver is opened, and again
 * after it broke. The SDK's own receivers look every 20 ms whether something came; these hand on events as they come.
 */
export class HubConnection {
  readonly #connection: EventHubsConnection;
  readonly #hub: string;
  readonly #consumerGroup: string;
  #context: Context | undefined;

  constructor(connection: EventHubsConnection, hub: string, consumerGroup: string) {
    this.#connection = connection;
    this.#hub = hub;
    this.#consumerGroup = consumerGroup;
  }

  /** Opens an exclusive receiver (epoch 0) on a partition. @throws Error where the service refuses or cannot be reached. */
  async receive(partition: string, position: Position, handlers: LinkHandlers): Promise<PartitionLink> {
    const context = this.#openContext();
    const { connection, config } = context.base;
    const path = `${this.#hub}/ConsumerGroups/${this.#consumerGroup}/Partitions/${partition}`;
    const authorization = await this.#authorize(context, `${config.endpoint}${path}`);
    let state: 'opening' | 'open' | 'closed' = 'opening';
    const closed = (error: { condition?: string; message?: string; description?: string } | undefined) => {
      // What goes wrong before the link is handed over is thrown: told in two ways, it would be opened twice.
      const wasOpen = state === 'open';
      state = 'closed';
      if (!wasOpen) return;
      authorization.stop();
      connection.removeListener(ConnectionEvents.disconnected, onDisconnected);
      const message = error?.description ?? error?.message ?? 'the connection ended';
      handlers.onClosed({ stolen: error?.condition === 'amqp:link:stolen', message });
    };
    const onDisconnected = () => closed(undefined);
    try {
      const opening = connection.createReceiver({
        source: {
          address: path,
          filter: { 'apache.org:selector-filter:string': types.wrap_described(toSelector(position), SELECTOR_FILTER) },
        },
        properties: { 'com.microsoft:epoch': types.wrap_long(0) },
        credit_window: 0,
        autoaccept: false,
        snd_settle_mode: 1,
        onError: ({ receiver: link }) => closed(link?.error as Error | undefined),
        onClose: ({ receiver: link }) => closed(link?.error as Error | undefined),
        onSessionError: ({ session }) => closed(session?.error as Error | undefined),
        onSessionClose: ({ session }) => closed(session?.error as Error | undefined),
      });
      const receiver = await abortable(opening, context.broken);
      if ((state as string) === 'closed')
        throw receiver.error ?? new Error('the link was closed as soon as it was open');
      state = 'open';
      connection.on(ConnectionEvents.disconnected, onDisconnected);
      takeTransfers(receiver, handlers.onPayload);
      return {
        addCredit: events => {
          if (state === 'open') receiver.addCredit(events);
        },
        close: async () => {
          if (state !== 'open') return;
          state = 'closed';
          authorization.stop();
          connection.removeListener(ConnectionEvents.disconnected, onDisconnected);
          await receiver.close();
        },
      };
    } catch (error) {
      authorization.stop();
      throw asError(error);
    }
  }

  async close(): Promise<void> {
    await this.#context?.base.connection.close();
  }

  #openContext(): Context {
    if (this.#context) return this.#context;
    const base = ConnectionContextBase.create({
      config: ConnectionConfig.create(toConnectionString(this.#connection)),
      connectionProperties: { product: 'hubscore-functions-host', version: '1', userAgent: 'hubscore-functions-host' },
    });
    const broken = new AbortController();
    base.connection.on(ConnectionEvents.disconnected, () => {
      // What broke is not mended but replaced: the next receiver opens a connection of its own.
      if (this.#context === context) this.#context = undefined;
      base.connection.removeAllSessions();
      broken.abort(new Error('the connection ended'));
    });
    const context = { base, broken: broken.signal };
    this.#context = context;
    return context;
  }

  /** Claims the right to read, and claims it anew before the token runs out. */
  async #authorize(context: Context, audience: string): Promise<{ stop(): void }> {
    const { cbsSession, config, connection } = context.base;
    let timer: NodeJS.Timeout | undefined;
    const claim = async () => {
      const { token, type, livesMs } = await this.#token(audience, config);
      await cbsSession.init({ timeoutInMs: CLAIM_TIMEOUT_MS });
      if (this.#context !== context) {
        void connection.close().catch(() => undefined); // it has been opened again, and nobody needs it any more
        throw new Error('the connection ended');
      }
      await cbsSession.negotiateClaim(audience, token, type, { timeoutInMs: CLAIM_TIMEOUT_MS });
      timer = setTimeout(() => claim().catch(() => undefined), livesMs); // where this fails, the service ends the link
      timer.unref();
    };
    try {
      await abortable(claim(), context.broken);
    } catch (error) {
      if (this.#context === context && !connection.isOpen()) this.#context = undefined;
      throw error;
    }
    return { stop: () => clearTimeout(timer) };
  }

  async #token(
    audience: string,
    config: ConnectionConfig,
  ): Promise<{ token: string; type: TokenType; livesMs: number }> {
    if (this.#connection.kind === 'identity') {
      const token = await this.#connection.credential.getToken(ENTRA_SCOPE);
      if (!token) throw new Error('the credential gave no token for Event Hubs');
      const livesMs = Math.max(token.expiresOnTimestamp - Date.now() - 120_000, 60_000);
      return { token: token.token, type: TokenType.CbsTokenTypeJwt, livesMs };
    }
    const { sharedAccessKeyName, sharedAccessKey, connectionString } = config;
    const signature = /SharedAccessSignature=([^;]+)/.exec(connectionString)?.[1];
    const provider = createSasTokenProvider(
      signature ? { sharedAccessSignature: signature } : { sharedAccessKeyName, sharedAccessKey },
    );
    const { token } = await provider.getToken(audience);
    return { token, type: TokenType.CbsTokenTypeSas, livesMs: SAS_RENEWAL_MS };
  }
}

/** What rhea keeps of a receiver and its session, as far as it is touched here; check-rhea.ts looks whether it is there. */
interface RheaLink {
  credit: number;
  delivery_count: number;
  readonly connection: { _register(): void };
  readonly session: {
    readonly incoming: { next_transfer_id: number };
    on_transfer(frame: { readonly performative: { readonly more?: boolean }; readonly payload?: Buffer }): void;
  };
}

/**
 * Takes transfers off the session (which this receiver has to itself) before rhea makes a delivery of them: rhea spends
 * more on an event (five closures, a generic decoder, two event dispatches) than all else that happens to it.
 * Deliveries come settled, as asked for with `snd_settle_mode`.
 */
function takeTransfers(receiver: Receiver, onPayload: (payload: Buffer) => void): void {
  const link = (receiver as unknown as { _link: RheaLink })._link;
  const { session } = link;
  let partial: Buffer[] | undefined;
  session.on_transfer = ({ performative, payload }) => {
    // Flow goes out only when something asks for it: now and then, before the session's window of 2048 is used up.
    if (++session.incoming.next_transfer_id % REGISTER_EVERY === 0) link.connection._register();
    if (performative.more) {
      partial ??= [];
      if (payload) partial.push(payload);
      return;
    }
    link.credit--;
    link.delivery_count++;
    if (!partial) {
      if (payload) onPayload(payload);
      return;
    }
    if (payload) partial.push(payload);
    const whole = Buffer.concat(partial);
    partial = undefined;
    onPayload(whole);
  };
}

/** What a peer refuses with reaches us as a plain object. */
function asError(thrown: unknown): Error {
  if (thrown instanceof Error) return thrown;
  const { condition, description } = (thrown ?? {}) as { readonly condition?: string; readonly description?: string };
  return Object.assign(new Error(description ?? condition ?? String(thrown)), { condition });
}

function toSelector(position: Position): string {
  switch (position.kind) {
    case 'offset':
      return `amqp.annotation.x-opt-offset > '${position.after}'`;
    case 'sequence-number':
      return `amqp.annotation.x-opt-sequence-number > '${position.after}'`;
    case 'enqueued-time':
      return `amqp.annotation.x-opt-enqueued-time > '${position.afterMs}'`;
  }
}

function toConnectionString(connection: EventHubsConnection): string {
  if (connection.kind === 'connection-string') return connection.connectionString;
  // core-amqp's configuration wants a key; with an identity it is never used.
  return `Endpoint=sb://${connection.namespace};SharedAccessKeyName=unused;SharedAccessKey=unused;`;
}
