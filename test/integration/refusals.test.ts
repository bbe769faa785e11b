import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { EventHubProducerClient } from '@azure/event-hubs';
import rhea, { type Connection, type EventContext, type Receiver, type Sender } from 'rhea';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type EventHubs, startEventHubs } from '../support/event-hubs.ts';

const UNKNOWN_GROUP = 'inference-labels/ConsumerGroups/no-such-group/Partitions/0';
/** Clock ticks of /proc, 100 a second. */
const TICK_MS = 10;
const sleep = (ms: number) => new Promise(resolve => setTimeout(resolve, ms));

let hubs: EventHubs;
beforeAll(async () => {
  hubs = await startEventHubs();
});
afterAll(() => hubs.stop());

const connections: Connection[] = [];
afterEach(() => {
  for (const connection of connections.splice(0)) connection.close();
});

/** A bare AMQP client; `product` is what official clients name themselves by. */
function connect(product = 'a test'): Connection {
  const connection = rhea
    .create_container()
    .connect({ host: 'localhost', port: hubs.port, reconnect: false, properties: { product }, username: 'anyone' });
  for (const event of ['receiver_error', 'sender_error', 'disconnected']) connection.on(event, () => {});
  connections.push(connection);
  return connection;
}

/** As rhea keeps it; one that is null has the value null. */
interface Terminus {
  readonly value: unknown;
}

interface Remote {
  readonly attach: { readonly source: Terminus; readonly target: Terminus };
  readonly detach: { readonly closed: boolean; readonly error: { readonly condition: string } };
}

/** What a link that is refused is told. */
async function refusalOf(link: Receiver | Sender, kind: 'sender' | 'receiver') {
  const attached = once(link, `${kind}_open`);
  const detached = once(link, `${kind}_close`);
  await Promise.all([attached, detached]);
  const { attach, detach } = (link as unknown as { readonly remote: Remote }).remote;
  const { closed, error } = detach;
  const [source, target] = [attach.source.value !== null, attach.target.value !== null];
  return { source, target, closed, condition: error.condition };
}

/** CPU time of the endpoint so far, in ms. */
function cpuMs(): number {
  const fields = readFileSync(`/proc/${hubs.process.pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

describe('a refused attach', () => {
  it('has neither source nor target and is closed with the error: .NET takes it for open otherwise', async () => {
    const connection = connect();
    const refused = { source: false, target: false, closed: true, condition: 'amqp:not-found' };
    expect(await refusalOf(connection.open_receiver(UNKNOWN_GROUP), 'receiver')).toEqual(refused);
    expect(await refusalOf(connection.open_sender('no-such-hub'), 'sender')).toEqual(refused);
  });

  it('has them for Python, whose asynchronous consumer would not hear of the error', async () => {
    const connection = connect('azsdk-python-eventhubs');
    const refused = { source: true, target: true, closed: true, condition: 'amqp:not-found' };
    expect(await refusalOf(connection.open_receiver(UNKNOWN_GROUP), 'receiver')).toEqual(refused);
  });

  it('is answered at once where the peer does not wait for it', async () => {
    const connection = connect();
    const path = 'no-such-hub/Partitions/5';
    for (let i = 0; i < 12; i++) connection.open_sender(path); // so that the next one would wait for more than a second
    const link = connection.open_sender(path);
    const refusal = refusalOf(link, 'sender');
    await sleep(50);
    const begun = performance.now();
    link.close();
    expect(await refusal).toMatchObject({ source: false, closed: true, condition: 'amqp:not-found' });
    expect(performance.now() - begun).toBeLessThan(500);
  });
});

describe('a consumer that is refused again and again', () => {
  /** Attaches anew whenever it is refused, for a while; how often it was, and the endpoint's share of a core. */
  async function hammer(again: (refused: () => void) => void, forMs: number) {
    let refusals = 0;
    let ended = false;
    const refused = () => {
      if (ended) return;
      refusals++;
      again(refused);
    };
    const before = cpuMs();
    again(refused);
    const producer = new EventHubProducerClient(hubs.connectionString, 'inference-labels');
    const sends: number[] = [];
    const begun = performance.now();
    while (performance.now() - begun < forMs) {
      const sent = performance.now();
      await producer.sendBatch([{ body: 'meanwhile' }]);
      sends.push(performance.now() - sent);
      await sleep(50);
    }
    ended = true;
    const share = (cpuMs() - before) / (performance.now() - begun);
    await producer.close();
    return { refusals, share, slowestSendMs: Math.max(...sends.slice(1)) };
  }

  it('on one connection leaves the endpoint at rest, and others served', async () => {
    const connection = connect();
    connection.on('receiver_close', ({ receiver }: EventContext) => receiver?.emit('refused'));
    const seen = await hammer(refused => {
      connection.open_receiver(UNKNOWN_GROUP).once('refused', refused);
    }, 3_000);
    expect(seen.refusals).toBeGreaterThan(5);
    expect(seen.refusals).toBeLessThanOrEqual(5 + 3_500 / 200);
    expect(seen.share).toBeLessThan(0.1);
    expect(seen.slowestSendMs).toBeLessThan(2_000);
  });

  it('with a connection for every attempt, too', async () => {
    const seen = await hammer(refused => {
      const connection = connect();
      connection.open_receiver(UNKNOWN_GROUP.replace('/0', '/1'));
      connection.once('receiver_close', () => {
        connection.close();
        refused();
      });
    }, 3_000);
    expect(seen.refusals).toBeGreaterThan(5);
    expect(seen.refusals).toBeLessThanOrEqual(5 + 3_500 / 200);
    expect(seen.share).toBeLessThan(0.1);
    expect(seen.slowestSendMs).toBeLessThan(2_000);
  });
});
