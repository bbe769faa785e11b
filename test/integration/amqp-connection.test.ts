import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { namespaceAddress } from '../../src/azure/namespace-address.ts';
import { createAmqpConnection } from '../../src/hubs/amqp-connection.ts';
import { createAmqpSender } from '../../src/hubs/amqp-sender.ts';
import { endingMessages } from '../support/ending-messages.ts';
import { type EventHubs, startEventHubs } from '../support/event-hubs.ts';
import { startFaultProxy } from '../support/fault-proxy.ts';
import { RESULTS, readAll } from '../support/scoring.ts';

let hubs: EventHubs;
beforeAll(async () => {
  hubs = await startEventHubs();
});
afterAll(() => hubs.stop());

const message = (sequenceNumber: number) => endingMessages([{ sequenceNumber, body: Buffer.from('1') }]);
const idOf = (sequenceNumber: number) => `inference-requests/1/${sequenceNumber}`;
const signal = () => AbortSignal.timeout(30_000);
const address = (connectionString = hubs.connectionString) =>
  namespaceAddress({ kind: 'connection-string', connectionString });

describe('the AMQP connection', () => {
  it('renews its claims while a link is open, and not after', async () => {
    const real = await address();
    let claims = 0;
    const claim: typeof real.claim = async audience => {
      claims++;
      return { ...(await real.claim(audience)), renewInMs: 20 };
    };
    const connection = createAmqpConnection({ ...real, claim });
    const sender = createAmqpSender(connection, { hub: RESULTS, sendTimeoutMs: 5_000 });
    await sender.send('0', message(1), signal());
    await vi.waitFor(() => expect(claims).toBeGreaterThan(4), 5_000);
    await sender.send('0', message(2), signal());
    await sender.close();
    const before = claims;
    await new Promise(resolve => setTimeout(resolve, 100));
    expect(claims).toBeLessThanOrEqual(before + 1); // one may have been under way
    await connection.close();
    expect((await readAll(hubs.connectionString, RESULTS, '0')).map(event => event.messageId)).toEqual(
      [1, 2].map(idOf),
    );
  });

  it('says so where the key is wrong, and that nothing was appended', async () => {
    const connection = createAmqpConnection(await address(hubs.connectionString.replace('SAS_KEY_VALUE', 'WRONG')));
    const sender = createAmqpSender(connection, { hub: RESULTS, sendTimeoutMs: 5_000 });
    await expect(sender.send('1', message(1), signal())).rejects.toMatchObject({ certainty: 'absent' });
    await connection.close();
  });

  it('is made anew after a cut, for every link of it', async () => {
    const connection = createAmqpConnection(await address());
    const sender = createAmqpSender(connection, { hub: RESULTS, sendTimeoutMs: 5_000 });
    for (let i = 0; i < 5; i++) {
      await Promise.all(['1', '2'].map(partition => sender.send(partition, message(i), signal())));
      const link = await connection.openSender(`${RESULTS}/Partitions/3`, signal());
      link.cut('the test says so');
      expect(link.open).toBe(false);
    }
    await sender.close();
    await connection.close();
    for (const partition of ['1', '2']) {
      const read = await readAll(hubs.connectionString, RESULTS, partition);
      expect(read.map(event => event.messageId)).toEqual([0, 1, 2, 3, 4].map(idOf));
    }
  });

  it.each([
    ['the connection itself', 'AMQP', false],
    ['signing in', 'put-token', true],
    ['attaching a link', `${RESULTS}/Partitions/2`, true],
  ])(
    'that hangs at %s is cut, and the next send connects anew',
    async (_, mark, opens) => {
      const proxy = await startFaultProxy(hubs.port, mark);
      const behind = hubs.connectionString.replace(`:${hubs.port};`, `:${proxy.port};`);
      const connection = createAmqpConnection(await address(behind), 3_000);
      const sender = createAmqpSender(connection, { hub: RESULTS, sendTimeoutMs: 15_000 });
      if (opens) await sender.send('3', message(21), signal());
      proxy.set('mute');
      await expect(sender.send('2', message(22), signal())).rejects.toMatchObject({ certainty: 'absent' });
      // The network is back for whoever connects; the old connection stays as it is.
      proxy.setPresent('mute');
      await sender.send('2', message(23), signal());
      await sender.send('3', message(24), signal());
      await sender.close();
      await connection.close();
      await proxy.close();
      const last = async (partition: string) =>
        (await readAll(hubs.connectionString, RESULTS, partition)).at(-1)?.messageId;
      expect([await last('2'), await last('3')]).toEqual([23, 24].map(idOf));
    },
    60_000,
  );

  it('never delivers what it has given up, though the network would', async () => {
    const proxy = await startFaultProxy(hubs.port, `${RESULTS}/Partitions/`);
    const behind = hubs.connectionString.replace(`:${hubs.port};`, `:${proxy.port};`);
    const connection = createAmqpConnection(await address(behind));
    const sender = createAmqpSender(connection, { hub: RESULTS, sendTimeoutMs: 500 });
    await sender.send('0', message(11), signal());
    proxy.set('hold');
    await expect(sender.send('0', message(12), signal())).rejects.toMatchObject({ certainty: 'unknown' });
    await new Promise(resolve => setTimeout(resolve, 100)); // the reset is on its way
    proxy.set('pass');
    await sender.send('0', message(13), signal());
    await sender.close();
    await connection.close();
    await proxy.close();
    const read = await readAll(hubs.connectionString, RESULTS, '0');
    expect(read.slice(-2).map(event => event.messageId)).toEqual([11, 13].map(idOf));
  });
});
