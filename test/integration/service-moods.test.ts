import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { namespaceAddress } from '../../src/azure/namespace-address.ts';
import { createAmqpConnection } from '../../src/hubs/amqp-connection.ts';
import { type AppStack, type Partitions, startAppStack } from '../support/app-stack.ts';

/*
 * What the service does now and then and a quiet afternoon never shows: throttling, tokens that end, links that are ended for their silence, partitions
 * that go from host to host, partitions that are added. Nothing may be lost, and nothing come twice.
 */

let stack: AppStack | undefined;
afterEach(async () => {
  await stack?.stop();
  stack = undefined;
});

async function start(environment: Readonly<Record<string, string>> = {}, partitions?: Partitions): Promise<AppStack> {
  stack = await startAppStack(environment, partitions);
  return stack;
}

async function expectEachOnce({ verify }: AppStack, count: number, timeout = 40_000): Promise<void> {
  const sound = { requests: count, results: count, deadLetters: 0, missing: 0, repeated: 0, outOfOrder: 0 };
  await vi.waitFor(async () => expect(await verify()).toEqual(sound), { timeout, interval: 1_000 });
}

describe('a service that', () => {
  it('throttles is left alone for as long as it asks, and gets everything once', async () => {
    const stack = await start({ EVENTHUBS_EVENTS_PER_SECOND: '150' }, [1, 1, 1]);
    const host = await stack.startHost({ SEND_RETRIES: '20' }); // so that the host does not come in between with its own
    const refusedAtMs: number[] = [];
    const watch = setInterval(() => {
      const refusals = host.log().match(/then absent: .*being throttled/g)?.length ?? 0;
      while (refusedAtMs.length < refusals) refusedAtMs.push(performance.now());
    }, 20);
    for (let i = 0; i < 12; i++) await stack.send(50, '0');
    await expectEachOnce(stack, 600, 60_000);
    clearInterval(watch);
    expect(refusedAtMs.length).toBeGreaterThan(0);
    const pauses = refusedAtMs.slice(1).map((at, i) => at - (refusedAtMs[i] as number));
    expect(pauses.filter(pause => pause < 3_800)).toEqual([]);
  }, 90_000);

  it('ends what nobody renews the token of gets the next events by another link', async () => {
    const stack = await start({ EVENTHUBS_TOKEN_SECONDS: '2' });
    const host = await stack.startHost();
    for (let i = 0; i < 60; i++) {
      await stack.send(5, String(i % 4));
      await delay(150);
    }
    await expectEachOnce(stack, 300);
    expect(host.log()).toMatch(/ExpiredToken/);
  }, 90_000);

  it('is told of a new token in time keeps the link', async () => {
    const { hubs } = await start({ EVENTHUBS_TOKEN_SECONDS: '2' });
    const address = await namespaceAddress({ kind: 'connection-string', connectionString: hubs.connectionString });
    let claims = 0;
    const connection = createAmqpConnection({
      ...address,
      async claim(audience) {
        claims++;
        return { ...(await address.claim(audience)), renewInMs: 700 };
      },
    });
    const link = await connection.openSender('inference-requests/Partitions/0', new AbortController().signal);
    await delay(6_000);
    expect(link.open).toBe(true);
    expect(claims).toBeGreaterThan(6);
    await link.close();
    await connection.close();
  }, 30_000);

  it('ends silent links finds them open again for the next event', async () => {
    const stack = await start({ EVENTHUBS_IDLE_SECONDS: '1' }, [1, 1, 1]);
    const host = await stack.startHost();
    for (let i = 0; i < 4; i++) {
      await stack.send(10, '0');
      await delay(2_000);
    }
    await expectEachOnce(stack, 40);
    expect(host.log()).not.toMatch(/ (warning|error) /);
  }, 60_000);

  it('gives partitions to other hosts under load loses and repeats nothing', async () => {
    const stack = await start();
    const first = await stack.startHost();
    let sent = 0;
    const end = new AbortController();
    const load = (async () => {
      for (; !end.signal.aborted; sent += 100) {
        await stack.send(100, String((sent / 100) % 4));
        await delay(10);
      }
    })();
    await delay(2_000);
    const second = await stack.startHost();
    await delay(5_000);
    const third = await stack.startHost();
    await delay(4_000);
    await first.kill();
    await delay(4_000);
    await second.stop();
    await delay(3_000);
    end.abort();
    await load;
    await expectEachOnce(stack, sent);
    expect(third.log()).toMatch(/reading inference-requests partitions 0, 1, 2, 3/);
    expect(first.log()).toMatch(/went to another host/);
  }, 120_000);

  it('is given more partitions while it runs has them scored, also where the results hub gets its own later', async () => {
    const stack = await start({}, [2, 2, 2]);
    const host = await stack.startHost();
    for (const partition of ['0', '1']) await stack.send(20, partition);
    await expectEachOnce(stack, 40);
    stack.grow([4, 2, 2]);
    await delay(500);
    for (const partition of ['0', '1', '2', '3']) await stack.send(20, partition);
    await vi.waitFor(() => expect(host.log()).toMatch(/results has 2 partitions and inference-requests has 4/), {
      timeout: 30_000,
      interval: 200,
    });
    stack.grow([4, 4, 4]);
    await expectEachOnce(stack, 120, 60_000);
  }, 120_000);
});
