import { getEventListeners, once } from 'node:events';
import type { AddressInfo, Server } from 'node:net';
import { TokenType } from '@azure/core-amqp';
import rhea, { type Connection, type Sender } from 'rhea';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type AmqpConnection, createAmqpConnection } from '../../../src/hubs/amqp-connection.ts';
import type { SenderLink } from '../../../src/hubs/sender-link.ts';

const NOT_FOUND = { condition: 'amqp:not-found', description: 'there is no such partition' };

/** A namespace that lets everyone in, and closes senders' links when it is told to. */
async function startNamespace() {
  const container = rhea.create_container({ id: 'namespace' });
  container.sasl_server_mechanisms.enable_anonymous();
  let client: Connection;
  let answers: Sender;
  let sessions = 0;
  const open: { close(error: object): void }[] = [];
  container.on('connection_open', ({ connection }) => {
    client = connection;
  });
  container.on('session_open', () => sessions++);
  container.on('session_close', () => sessions--);
  container.on('sender_open', ({ sender }) => {
    answers = sender as Sender;
  });
  container.on('receiver_open', ({ receiver }) => {
    if (receiver?.target.address === 'results/Partitions/missing') receiver.close(NOT_FOUND as never);
    else if (receiver?.target.address !== '$cbs') open.push(receiver as never);
  });
  container.on('message', ({ message }) => {
    const application_properties = { 'status-code': 202, 'status-description': 'OK' };
    answers.send({ correlation_id: message?.message_id, application_properties, body: undefined });
  });
  container.on('disconnected', () => {});
  const server = container.listen({ port: 0, host: '127.0.0.1' }) as Server;
  await once(server, 'listening');
  return {
    address: {
      host: '127.0.0.1',
      port: (server.address() as AddressInfo).port,
      tls: false,
      audienceBase: 'sb://namespace/',
      claim: async () => ({ token: 't', type: TokenType.CbsTokenTypeSas, renewInMs: 60_000 }),
    },
    /** Beside the one of $cbs. */
    sessions: () => sessions - 1,
    closeLinks: () => {
      for (const link of open.splice(0)) link.close({ condition: 'amqp:link:detach-forced', description: 'idle' });
    },
    breakOff: () => client.socket.destroy(),
    stop: () => server.close(),
  };
}

let namespace: Awaited<ReturnType<typeof startNamespace>>;
let connection: AmqpConnection;
/** All signals that anyone has listened to. */
let signals: Set<AbortSignal>;
beforeEach(async () => {
  signals = new Set();
  const listen = AbortSignal.prototype.addEventListener;
  vi.spyOn(AbortSignal.prototype, 'addEventListener').mockImplementation(function (this: AbortSignal, ...args) {
    signals.add(this);
    return Reflect.apply(listen, this, args);
  });
  namespace = await startNamespace();
  connection = createAmqpConnection(namespace.address);
});
afterEach(async () => {
  vi.restoreAllMocks();
  await connection.close();
  namespace.stop();
});

const signal = () => AbortSignal.timeout(10_000);
const mostListeners = () => Math.max(...[...signals].map(each => getEventListeners(each, 'abort').length));

describe('links of one connection', () => {
  it.each([
    ['us', async () => {}],
    [
      'the service',
      async ({ lost }: SenderLink) => {
        namespace.closeLinks();
        await once(lost, 'abort');
      },
    ],
    ['both at once', async () => namespace.closeLinks()],
  ])('leave nothing behind where they are closed by %s', async (_, close) => {
    for (let i = 0; i < 20; i++) {
      const link = await connection.openSender('results/Partitions/0', signal());
      await close(link);
      await link.close();
      expect(link.lost.aborted).toBe(true);
    }
    await vi.waitFor(() => expect(namespace.sessions()).toBe(0));
    expect(signals.size).toBeGreaterThan(20);
    expect(mostListeners()).toBe(1); // vitest's own, on the test's signal
  });

  it('leave nothing behind where the service refuses them, in its words', async () => {
    for (let i = 0; i < 3; i++) {
      const opening = connection.openSender('results/Partitions/missing', signal());
      await expect(opening).rejects.toThrow('there is no such partition (amqp:not-found)');
    }
    await vi.waitFor(() => expect(namespace.sessions()).toBe(0));
  });

  it('hear of its end at once, with the reason', async () => {
    const links = await Promise.all(['0', '1'].map(id => connection.openSender(`results/Partitions/${id}`, signal())));
    namespace.breakOff();
    await vi.waitFor(() => expect(links.map(link => link.open)).toEqual([false, false]));
    for (const { lost } of links) expect(lost.reason).toMatchObject({ message: 'the connection broke' });
  });
});
