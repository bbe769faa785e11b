import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { EventHubConsumerClient } from '@azure/event-hubs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type PartitionSender, SendError } from '../../src/core/hub-sender.ts';
import { type EventHubs, startEventHubs } from '../support/event-hubs.ts';
import {
  DEAD_LETTERS,
  REQUESTS,
  RESULTS,
  readAll,
  readRequests,
  sendRequests,
  startScoring,
} from '../support/scoring.ts';

let hubs: EventHubs;
beforeAll(async () => {
  hubs = await startEventHubs();
});
afterAll(() => hubs.stop());

/** 1 % and a few together are bad. */
const bodies = (count: number) => Array.from({ length: count }, (_, i) => (i % 25 === 3 ? `bad ${i}` : `${i}`));
const ids = (partition: string, from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => `${REQUESTS}/${partition}/${from + i}`);

async function endings(partition: string, connectionString = hubs.connectionString) {
  const [results, deadLetters] = await Promise.all([
    readAll(connectionString, RESULTS, partition),
    readAll(connectionString, DEAD_LETTERS, partition),
  ]);
  return {
    results: results.map(event => String(event.messageId)),
    deadLetters: deadLetters.map(event => String(event.messageId)),
  };
}

const inOrder = (list: readonly string[]) =>
  [...list].sort((a, b) => Number(a.split('/')[2]) - Number(b.split('/')[2]));

async function expectEachOnce(partition: string, count: number, connectionString?: string) {
  const { results, deadLetters } = await endings(partition, connectionString);
  expect(inOrder([...results, ...deadLetters])).toEqual(ids(partition, 0, count));
  expect(results).toEqual(inOrder(results));
  expect(deadLetters).toEqual(inOrder(deadLetters));
}

/** A process that dies at its n-th send, before or after the service has what was sent. */
function dyingAt(n: number, after: boolean) {
  let sends = 0;
  return (sender: PartitionSender): PartitionSender => ({
    ...sender,
    async send(partition, messages, signal) {
      sends++;
      if (sends > n || (sends === n && !after)) throw new Error('killed');
      await sender.send(partition, messages, signal);
      if (sends === n) throw new Error('killed');
    },
  });
}

describe('on a real endpoint, the ledger', () => {
  it('settles a batch once, wherever the process before it died', async () => {
    await sendRequests(hubs.connectionString, '0', bodies(400));
    for (const [n, after] of [
      [1, false],
      [1, true],
      [2, false],
      [3, true],
      [4, false],
    ] as const) {
      const dying = await startScoring(hubs.connectionString, dyingAt(n, after));
      const batch = await readRequests(dying.requests, '0', 0, 300);
      await dying.scorer.scoreBatch(batch).catch(() => {});
      await dying.close();
    }
    const alive = await startScoring(hubs.connectionString);
    await alive.scorer.scoreBatch(await readRequests(alive.requests, '0', 0, 400));
    await alive.close();
    await expectEachOnce('0', 400);
  });

  it('does not send again what it only believes to be lost', async () => {
    await sendRequests(hubs.connectionString, '1', bodies(100));
    let doubts = 3;
    const doubting = (sender: PartitionSender): PartitionSender => ({
      ...sender,
      async send(partition, messages, signal) {
        await sender.send(partition, messages, signal);
        if (doubts-- > 0) throw new SendError('no word of it', 'unknown', 0);
      },
    });
    const { scorer, requests, said, close } = await startScoring(hubs.connectionString, doubting);
    await scorer.scoreBatch(await readRequests(requests, '1', 0, 100));
    await close();
    expect(said.filter(line => line.includes('unknown'))).not.toEqual([]);
    await expectEachOnce('1', 100);
  });

  it('fills holes, before a batch and in a partition that fell silent, though an event processor holds the first group', async () => {
    await sendRequests(hubs.connectionString, '2', bodies(1_000));
    const processor = new EventHubConsumerClient('$Default', hubs.connectionString, REQUESTS);
    const holding = processor.subscribe(
      '2',
      { processEvents: async () => {}, processError: async () => {} },
      { ownerLevel: 0 },
    );
    await new Promise(resolve => setTimeout(resolve, 300));
    const { scorer, requests, said, close } = await startScoring(hubs.connectionString);
    await scorer.scoreBatch(await readRequests(requests, '2', 0, 10));
    await scorer.scoreBatch(await readRequests(requests, '2', 700, 20));
    expect(said).toContainEqual(expect.stringContaining('10 to 699 were passed over'));
    await expectEachOnce('2', 720);
    expect(await scorer.fillSilentPartitions()).toBe(280);
    await expectEachOnce('2', 1_000);
    await close();
    await holding.close();
    await processor.close();
  });

  it('turns a result that no batch can hold into a dead letter', async () => {
    await sendRequests(hubs.connectionString, '3', ['1', Buffer.alloc(1_040_000, 'x'), '3']);
    const { scorer, requests, close } = await startScoring(hubs.connectionString);
    const batch = await readRequests(requests, '3', 0, 3);
    const event = batch.events[1];
    const swollen = {
      ...batch,
      events: batch.events.map(e => (e === event ? { ...e, body: Buffer.alloc(1_100_000, 'x') } : e)),
    };
    await scorer.scoreBatch(swollen);
    await close();
    const { results, deadLetters } = await endings('3');
    expect(results).toEqual([`${REQUESTS}/3/0`, `${REQUESTS}/3/2`]);
    expect(deadLetters).toEqual([`${REQUESTS}/3/1`]);
    const [letter] = await readAll(hubs.connectionString, DEAD_LETTERS, '3');
    expect(JSON.parse(String(letter?.body))).toMatchObject({ error: 'result_too_large' });
  });

  it('survives the endpoint’s death amid a batch, and takes a requests hub made anew for what it is', async () => {
    const own = await startEventHubs();
    const { scorer, requests, said, close } = await startScoring(own.connectionString);
    await sendRequests(own.connectionString, '0', bodies(300));
    await scorer.scoreBatch(await readRequests(requests, '0', 0, 100));
    const next = await readRequests(requests, '0', 100, 200);
    await own.kill();
    const scoring = scorer.scoreBatch(next);
    const back = new Promise(resolve => setTimeout(resolve, 100)).then(() => own.restart());
    // The host's retry policy.
    await scoring.catch(async () => {
      await back;
      await scorer.scoreBatch(next);
    });
    await back;
    await expectEachOnce('0', 300, own.connectionString);

    await own.kill();
    rmSync(join(own.dataDir, 'event-hubs', REQUESTS), { recursive: true });
    await own.restart();
    await sendRequests(own.connectionString, '0', bodies(50));
    await scorer.scoreBatch(await readRequests(requests, '0', 0, 50));
    const { results, deadLetters } = await endings('0', own.connectionString);
    expect(results.length + deadLetters.length).toBe(350);
    expect(said).toContainEqual(expect.stringContaining('the requests hub was made anew'));
    await close();
    await own.stop();
  }, 60_000);
});
