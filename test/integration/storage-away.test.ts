import { resolve } from 'node:path';
import { afterEach, expect, it, vi } from 'vitest';
import { type AppStack, startAppStack } from '../support/app-stack.ts';
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.ts';

/*
 * Storage that takes questions and does not answer: what is loaded serves on; who asks for something else is told to come again, and holds up its
 * partition no longer than MODEL_WAIT_SECONDS.
 */

const DIABETES = resolve(import.meta.dirname, '../../samples/models/diabetes/1.0.0');

let stack: AppStack;
let proxy: FaultProxy | undefined;
afterEach(async () => {
  await stack.stop();
  await proxy?.close();
});

async function sendMany(count: number, partition: string): Promise<void> {
  for (let left = count; left > 0; left -= 250) await stack.send(Math.min(left, 250), partition);
}

it('storage that hangs condemns nothing, is left alone, and is found again', async () => {
  stack = await startAppStack();
  const { connectionString } = stack.storage;
  const port = Number(/BlobEndpoint=http:\/\/[^:]+:(\d+)/.exec(connectionString)?.[1]);
  proxy = await startFaultProxy(port, 'HTTP/1.1');
  const host = await stack.startHost({
    ModelStorage: connectionString.replace(`:${port}`, `:${proxy.port}`),
    MODEL_REFRESH_SECONDS: '1',
    MODEL_WAIT_SECONDS: '20',
    BREAKER_FAILURES: '2',
    BREAKER_RESET_SECONDS: '5',
  });
  const ready = async () => (await fetch(`${host.url}/v2/health/ready`)).status;
  await stack.send(50, '0');
  await vi.waitFor(async () => expect(await ready()).toBe(200), { timeout: 20_000, interval: 200 });
  await vi.waitFor(async () => expect((await stack.verify()).results).toBe(50), { timeout: 30_000, interval: 500 });

  proxy.set('mute');
  const pushed = await stack.hubscore('models', 'push', DIABETES, '--name', 'new');
  expect(pushed.code, pushed.out).toBe(0);
  const asked = await fetch(`${host.url}/v2/models/new/infer`, {
    method: 'POST',
    body: JSON.stringify({ inputs: [{ name: 'features', shape: [1, 10], datatype: 'FP32', data: Array(10).fill(1) }] }),
  });
  expect(asked.status, await asked.text()).toBe(503);
  expect(asked.headers.get('retry-after')).toBe('1');
  // As soon as a look has failed.
  await vi.waitFor(async () => expect(await ready()).toBe(503), { timeout: 30_000, interval: 200 });
  await stack.send(1, '0', 'new');
  await Promise.all(['0', '1', '2', '3'].map(partition => sendMany(5_000, partition)));
  // One ends as unavailable, and its partition goes on.
  await vi.waitFor(
    async () => expect(await stack.verify()).toMatchObject({ results: 20_050, deadLetters: 1, missing: 0 }),
    {
      timeout: 90_000,
      interval: 1_000,
    },
  );
  expect(host.log()).not.toMatch(/unknown_model/);
  await vi.waitFor(() => expect(host.log()).toMatch(/circuit breaker of the blob storage is open/), {
    timeout: 60_000,
  });

  proxy.set('pass');
  await vi.waitFor(async () => expect(await ready()).toBe(200), { timeout: 60_000, interval: 500 });
  await stack.send(10, '0', 'new');
  await vi.waitFor(
    async () =>
      expect(await stack.verify()).toEqual({
        ...{ requests: 20_061, results: 20_060, deadLetters: 1 },
        ...{ missing: 0, repeated: 0, outOfOrder: 0 },
      }),
    { timeout: 60_000, interval: 1_000 },
  );
  const letters = await stack.hubscore('replay', '--dry-run', '--code', 'model_unavailable');
  expect(letters.out).toMatch(/would send 1 request back/);
}, 300_000);
