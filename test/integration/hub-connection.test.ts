import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HubConnection } from '../../src/local/functions-host/event-hubs/hub-connection.ts';
import { type EventHubs, startEventHubs } from '../support/event-hubs.ts';
import { startFaultProxy } from '../support/fault-proxy.ts';
import { REQUESTS } from '../support/scoring.ts';

let hubs: EventHubs;
beforeAll(async () => {
  hubs = await startEventHubs();
});
afterAll(() => hubs.stop());

const FROM_START = { kind: 'offset', after: '-1' } as const;
const handlers = { onPayload: () => {}, onClosed: () => {} };

describe('opening a receiver', () => {
  it.each(['put-token', 'ConsumerGroups/inference-consumer/Partitions/0'])(
    'fails at once where the connection ends while an answer is awaited, and succeeds afterwards (%s)',
    async mark => {
      const proxy = await startFaultProxy(hubs.port, mark);
      const connectionString = hubs.connectionString.replace(`:${hubs.port};`, `:${proxy.port};`);
      const connection = new HubConnection(
        { kind: 'connection-string', connectionString },
        REQUESTS,
        'inference-consumer',
      );
      const receive = () => connection.receive('0', FROM_START, handlers);
      proxy.set('mute');
      const opening = receive();
      opening.catch(() => {});
      await sleep(300);
      proxy.set('cut');
      const cutAt = performance.now();
      await expect(opening).rejects.toThrow('the connection ended');
      expect(performance.now() - cutAt).toBeLessThan(1_000);
      proxy.set('pass');
      const link = await receive();
      await link.close();
      await connection.close();
      await proxy.close();
    },
  );

  it('fails with the words of the service where it refuses', async () => {
    const connection = new HubConnection(
      { kind: 'connection-string', connectionString: hubs.connectionString },
      REQUESTS,
      'no-such-group',
    );
    const refused = await connection.receive('0', FROM_START, handlers).catch((error: unknown) => error);
    await connection.close();
    expect(refused).toBeInstanceOf(Error);
    expect(refused).toMatchObject({
      message: expect.stringContaining('no-such-group'),
      condition: 'amqp:not-found',
    });
  });

  it('tells of the loss of an open one once', async () => {
    const proxy = await startFaultProxy(hubs.port, 'put-token');
    const connectionString = hubs.connectionString.replace(`:${hubs.port};`, `:${proxy.port};`);
    const connection = new HubConnection({ kind: 'connection-string', connectionString }, REQUESTS, '$Default');
    const losses: boolean[] = [];
    await connection.receive('1', FROM_START, { ...handlers, onClosed: ({ stolen }) => losses.push(stolen) });
    proxy.set('cut');
    await sleep(300);
    expect(losses).toEqual([false]);
    await proxy.close();
  });
});
