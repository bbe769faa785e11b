import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { EventHubProducerClient } from '@azure/event-hubs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { namespaceAddress } from '../../src/azure/namespace-address.ts';
import { createAmqpConnection } from '../../src/hubs/amqp-connection.ts';
import {
  counted,
  described,
  frame,
  HEADER,
  LIST0,
  list,
  map,
  NULL,
  nestedLists,
  symbol,
} from '../support/amqp-bytes.ts';
import { type EventHubs, startEventHubs } from '../support/event-hubs.ts';
import { whenClosed } from '../support/loopback.ts';
import { cpuMs, residentMb } from '../support/process-use.ts';
import { readAll } from '../support/scoring.ts';

const HUB = 'inference-requests';
const MANY = 2 ** 31;

let hubs: EventHubs;
beforeAll(async () => {
  hubs = await startEventHubs();
});
afterAll(() => hubs.stop());

/** What a peer says, until the endpoint ends the connection; the answer. */
async function say(...said: readonly Buffer[]): Promise<Buffer> {
  const socket = connect(hubs.port, '127.0.0.1');
  const closed = whenClosed(socket);
  const heard: Buffer[] = [];
  socket.on('data', chunk => heard.push(chunk));
  for (const bytes of said) socket.write(bytes);
  await Promise.race([closed, delay(5_000, undefined, { ref: false })]);
  expect(socket.readableEnded || socket.destroyed, 'the endpoint ended the connection').toBe(true);
  socket.destroy();
  return Buffer.concat(heard);
}

const anArray = (count: number, code: number, content: number[] = []) => counted(0xf0, count, [code, ...content]);
const SIGN_IN = frame('sasl', described(0x41, list(symbol('ANONYMOUS'))));
/** `open` with this as its properties. */
const openWith = (properties: Buffer) => [
  HEADER.sasl,
  SIGN_IN,
  HEADER.amqp,
  frame(
    'amqp',
    described(0x10, list([0xa1, 1, 97], [NULL], [NULL], [NULL], [NULL], [NULL], [NULL], [NULL], [NULL], properties)),
  ),
];

/** 3 bytes each that say they hold 255 nulls. */
const arraysOfNulls = (count: number) =>
  counted(0xf0, count, [0xe0, ...Array.from({ length: count }, () => [2, 255, NULL]).flat()]);

const ATTACKS: Readonly<Record<string, readonly Buffer[]>> = {
  'an array of 2^31 nulls before sign-in': [HEADER.sasl, frame('sasl', described(0x41, anArray(MANY, NULL)))],
  'the same within what signs in': [HEADER.sasl, frame('sasl', described(0x41, list(anArray(MANY, LIST0))))],
  'a list of 2^25 before sign-in': [HEADER.sasl, frame('sasl', described(0x41, counted(0xd0, 2 ** 25, [])))],
  'arrays of arrays of nulls': openWith(map({ it: arraysOfNulls(20_000) }, symbol)),
  'an array of 2^31 trues as a property': openWith(map({ it: anArray(MANY, 0x41) }, symbol)),
  'a map of 2^32 - 2 entries': openWith(counted(0xd1, 2 ** 32 - 2, [])),
  'an array of 2^31 numbers': openWith(map({ it: anArray(MANY, 0x71, [0, 0, 0, 1]) }, symbol)),
  'lists 7,000 deep': openWith(map({ it: nestedLists(7_000) }, symbol)),
  'descriptors of descriptors': [HEADER.sasl, frame('sasl', Buffer.alloc(60_000))],
  'a value with 20,000 descriptors': [HEADER.sasl, frame('sasl', Buffer.alloc(40_000, Buffer.from([0, NULL])), [NULL])],
};

describe('the endpoint', () => {
  it('takes the frame that killed it as 29 bytes', () => {
    expect(Buffer.concat(ATTACKS['an array of 2^31 nulls before sign-in'] ?? [])).toHaveLength(29);
  });

  for (const [name, said] of Object.entries(ATTACKS)) {
    it(`ends a connection that brings ${name}, and serves the next client as before`, async () => {
      const { pid } = hubs.process;
      const [memory, cpu] = [residentMb(pid), cpuMs(pid)];
      for (let i = 0; i < 5; i++) await say(...said);
      expect(cpuMs(pid) - cpu).toBeLessThan(1_000);
      expect(residentMb(pid) - memory).toBeLessThan(100);
      const producer = new EventHubProducerClient(hubs.connectionString, HUB);
      await producer.sendBatch([{ body: Buffer.from(name) }], { partitionId: '0' });
      await producer.close();
      const events = await readAll(hubs.connectionString, HUB, '0');
      expect(String(events.at(-1)?.body)).toBe(name);
    });
  }

  it('refuses a message of descriptors alone, and goes on with the connection', async () => {
    const connection = createAmqpConnection(await namespaceAddress({ kind: 'connection-string', ...hubs }));
    const { sender } = await connection.openSender(`${HUB}/Partitions/1`, new AbortController().signal);
    const hostile = sender.send(described(0x77, Buffer.alloc(1_000_000)), { format: 0 });
    await expect(hostile).rejects.toMatchObject({ innerError: { condition: 'amqp:decode-error' } });
    await sender.send(described(0x75, [0xa0, 1, 97]), { format: 0 });
    await connection.close();
    const [event, ...more] = await readAll(hubs.connectionString, HUB, '1');
    expect([String(event?.body), more]).toEqual(['a', []]);
  });
});
