import { afterEach, describe, expect, it, vi } from 'vitest';
import { type AppStack, startAppStack } from '../support/app-stack.ts';
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.ts';
import type { FunctionsHost } from '../support/functions-host.ts';
import { RESULTS } from '../support/scoring.ts';

/*
 * The results hub away while requests come: the breaker opens after failures of whatever it was asked for, batches are handed back at once, one try after
 * the pause closes it, and every request has one ending.
 */

const RESET_SECONDS = '8';

let stack: AppStack;
let proxy: FaultProxy | undefined;
afterEach(async () => {
  await proxy?.close();
  proxy = undefined;
  await stack.stop();
});

async function start(environment: Readonly<Record<string, string>> = {}, mark = RESULTS): Promise<FunctionsHost> {
  stack = await startAppStack();
  proxy = await startFaultProxy(stack.hubs.port, mark);
  const EventHubs = stack.hubs.connectionString.replace(`:${stack.hubs.port}`, `:${proxy.port}`);
  return stack.startHost({ EventHubs, BREAKER_RESET_SECONDS: RESET_SECONDS, ...environment });
}

async function send(each: number): Promise<void> {
  const inParts = async (partition: string) => {
    for (let left = each; left > 0; left -= 250) await stack.send(Math.min(left, 250), partition);
  };
  await Promise.all(['0', '1', '2', '3'].map(inParts));
}

async function expectEachOnce(count: number, timeout = 90_000): Promise<void> {
  const sound = { requests: count, results: count, deadLetters: 0, missing: 0, repeated: 0, outOfOrder: 0 };
  await vi.waitFor(async () => expect(await stack.verify()).toEqual(sound), { timeout, interval: 1_000 });
}

async function breakerOf(host: FunctionsHost, target: string): Promise<number> {
  const text = await (await fetch(`${host.url}/metrics`)).text();
  return Number(new RegExp(`hubscore_breaker_state\\{target="${target}"\\} (\\d)`).exec(text)?.[1]);
}

const open = async (host: FunctionsHost, target: string, timeout: number) =>
  vi.waitFor(async () => expect(await breakerOf(host, target)).toBe(2), { timeout, interval: 200 });

describe('a hub', () => {
  it.each([
    ['whose connections are reset', 'reset', 60_000],
    ['that takes everything and never answers', 'mute', 90_000],
  ] as const)(
    'of results %s opens the breaker; it closes by itself, and nothing is lost',
    async (_, fault, opensWithinMs) => {
      const host = await start();
      await send(50);
      await expectEachOnce(200);
      proxy?.set(fault);
      await send(5_000);
      await open(host, 'results', opensWithinMs);
      expect(host.log()).toMatch(
        /circuit breaker of the results hub is open: it failed 5 times within 60 s; next try in .* s; at last: .*inference-requests-results/,
      );
      await vi.waitFor(
        () => expect(host.log()).toMatch(/results hub failed 5 times within 60 s and is left alone for 8 s/),
        {
          timeout: 10_000,
        },
      );
      proxy?.set('pass');
      await expectEachOnce(20_200);
      expect(await breakerOf(host, 'results')).toBe(0);
    },
    240_000,
  );

  it.each([
    ['is taken and never confirmed', 'mute'],
    ['is held back and let go later', 'hold'],
  ] as const)(
    'of results that alone is slow to be sent to gets everything once: what is sent %s',
    async (_, fault) => {
      const host = await start({}, `${RESULTS}/Partitions/`);
      await send(50);
      await expectEachOnce(200);
      proxy?.set(fault);
      const brokenAtMs = performance.now();
      await send(5_000);
      const failed = /endings appended, then (unknown|absent): sending to inference-requests-results/;
      await vi.waitFor(() => expect(host.log()).toMatch(failed), { timeout: 90_000, interval: 200 });
      // A send is given up after 30 s; what was under way at other hubs before it is bounded as well.
      expect(performance.now() - brokenAtMs).toBeLessThan(90_000);
      await new Promise(resolve => setTimeout(resolve, 5_000));
      proxy?.set('pass');
      await expectEachOnce(20_200);
      expect((await stack.hubscore('verify')).code).toBe(0);
    },
    240_000,
  );

  it('that no connection reaches any more, though new ones would, is connected to anew', async () => {
    const host = await start();
    await send(50);
    await expectEachOnce(200);
    proxy?.setPresent('mute');
    await send(5_000);
    await expectEachOnce(20_200, 150_000); // by itself the SDK would keep those connections for three minutes
    expect(host.log()).toMatch(/timed out|not confirmed/);
  }, 240_000);

  it('of results that is slow is waited for, and left open', async () => {
    const host = await start();
    await send(50);
    await expectEachOnce(200);
    proxy?.set({ slow: 5_000_000 });
    await send(5_000);
    await expectEachOnce(20_200);
    expect(host.log()).not.toMatch(/circuit breaker|endings appended/);
  }, 120_000);

  it.each([
    ['results', 'RESULTS_HUB', 'results hub'],
    ['dead-letters', 'DEAD_LETTER_HUB', 'dead-letter hub'],
  ])(
    'that is not there opens the breaker of %s, and is named',
    async (target, setting, words) => {
      const host = await start({ [setting]: 'nowhere' });
      await send(10);
      await open(host, target, 90_000);
      expect(host.log()).toMatch(new RegExp(`circuit breaker of the ${words} is open: .* at last: .*nowhere`));
    },
    120_000,
  );
});
