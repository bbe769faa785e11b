import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { EventHubProducerClient } from '@azure/event-hubs';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type EventHubs, startEventHubs } from '../support/event-hubs.ts';
import { type FunctionsHost, startHost } from '../support/functions-host.ts';
import { ELSEWHERE, LOOPBACK } from '../support/loopback.ts';
import { launch } from '../support/service.ts';
import { type Storage, startStorage } from '../support/storage.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const APPS = join(ROOT, 'test/support/function-apps');
const NEVER = '0 0 0 29 2 *';

let hubs: EventHubs;
let storage: Storage;
let scratch: string;
beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'hubscore-host-'));
  [hubs, storage] = await Promise.all([startEventHubs(), startStorage()]);
});
afterAll(async () => {
  rmSync(scratch, { recursive: true, force: true });
  await Promise.all([hubs.stop(), storage.stop()]);
});

const soon = (check: () => unknown, timeout = 10_000) => vi.waitFor(check, { timeout, interval: 50 });

function run(app: string, env: Record<string, string> = {}): Promise<FunctionsHost> {
  return startHost({
    appDir: join(APPS, app),
    env: {
      HUB: 'inference-requests',
      GROUP: 'inference-consumer',
      TICK: NEVER,
      EventHubs: hubs.connectionString,
      AzureWebJobsStorage: storage.connectionString,
      ...env,
    },
  });
}

/** What the host says, and its exit code, where it cannot start. */
async function refusal(appDir: string, env: Record<string, string>): Promise<{ code: number; log: string }> {
  const { child, log } = launch('src/local/functions-host/main.ts', { FUNCTIONS_PORT: '0', ...env }, appDir);
  const [code] = await once(child, 'close');
  return { code, log: log() };
}

async function send(partitionId: string, bodies: readonly string[], hub = 'inference-requests') {
  const producer = new EventHubProducerClient(hubs.connectionString, hub);
  await producer.sendBatch(
    bodies.map(body => ({ body: Buffer.from(body) })),
    { partitionId },
  );
  await producer.close();
}

const called = (host: FunctionsHost) =>
  [...host.log().matchAll(/^CALL .*"bodies":\["([^"]*)/gm)].map(match => match[1]);

it('answers at SIGTERM what it was asked before', { timeout: 60_000 }, async () => {
  const host = await run('web', { AzureFunctionsJobHost__logging__logLevel__default: 'Information' });
  const asked = fetch(`${host.url}/waits`);
  await soon(() => expect(host.log()).toContain('it waits'), 30_000);
  const stopped = host.stop();
  expect(await (await asked).text()).toBe('answered');
  expect(await stopped).toBe(0);
});

describe('a worker that fails', () => {
  it('is replaced where a function exceeds functionTimeout; the batch counts as done', async () => {
    const host = await run('events', { AzureFunctionsJobHost__functionTimeout: '00:00:01' });
    await send('0', ['hang']);
    await soon(() => expect(host.log()).toMatch(/FunctionTimeoutError: collect ran longer than functionTimeout/));
    await soon(() => expect(host.log()).toMatch(/^running again/m));
    await send('0', ['after hang']);
    await soon(() => expect(called(host)).toEqual(['hang', 'after hang']));
    expect(await host.stop()).toBe(0);
  });

  it('is replaced where a function never yields, and gets the batch again', async () => {
    const host = await run('events', { AzureFunctionsJobHost__functionTimeout: '00:00:01' });
    await send('1', ['block']);
    await soon(() => expect(host.log()).toMatch(/a function blocks the worker/), 12_000);
    await soon(() => expect(called(host)).toEqual(['block', 'block']));
    await host.kill();
  });

  it('is replaced where it crashes, but at the third crash within 12 s the host gives up, as if all were well', async () => {
    // In a hub of its own, since it stays there.
    const host = await run('events', { HUB: 'inference-labels', GROUP: 'monitor' });
    await send('0', ['die'], 'inference-labels');
    await soon(() => expect(host.log()).toMatch(/Exceeded language worker restart retry count/), 50_000);
    expect(called(host).length, 'more where this machine is slow').toBeGreaterThanOrEqual(3);
    expect(await host.stop()).toBe(0);
  }, 60_000);

  it('gets the batch that it crashed at as a retry, where there is a policy', async () => {
    const RETRY = JSON.stringify({ strategy: 'fixedDelay', maxRetryCount: 1, delayInterval: { seconds: 1 } });
    const host = await run('events', { HUB: 'inference-dead-letter', GROUP: 'monitor', RETRY });
    await send('2', ['die'], 'inference-dead-letter');
    await soon(() => expect(called(host)).toHaveLength(2), 60_000);
    await send('2', ['after'], 'inference-dead-letter');
    // The policy has no try left: it counts as failed, and is passed over.
    await soon(() => expect(called(host)).toEqual(['die', 'die', 'after']), 60_000);
    const counts = [...host.log().matchAll(/^CALL .*"retryCount":(\d)/gm)].map(match => Number(match[1]));
    expect(counts).toEqual([0, 1, 0]);
    expect(await host.stop()).toBe(0);
  }, 150_000);

  it('ends when its supervisor is killed', async () => {
    const host = await run('web');
    process.kill(host.pid, 'SIGKILL');
    await soon(() => expect(fetch(`${host.url}/v2/models/m`)).rejects.toThrow());
  });
});

describe('start-up', () => {
  it('names a missing setting of an expression, and of a connection', async () => {
    const env = { AzureWebJobsStorage: storage.connectionString, GROUP: 'g' };
    const expression = await refusal(join(APPS, 'events'), { ...env, EventHubs: hubs.connectionString });
    expect(expression).toMatchObject({
      code: 1,
      log: expect.stringContaining('eventHubName of function collect is "%HUB%", but there is no setting HUB'),
    });
    const connection = await refusal(join(APPS, 'events'), { ...env, HUB: 'inference-requests' });
    expect(connection).toMatchObject({ code: 1, log: expect.stringContaining('there is no connection EventHubs') });
    const nowhere = await refusal(join(APPS, 'web'), { TICK: NEVER });
    expect(nowhere).toMatchObject({ code: 1, log: expect.stringContaining('AzureWebJobsStorage is not set') });
  });

  it('says which hub is not there', async () => {
    const { code, log } = await refusal(join(APPS, 'events'), {
      HUB: 'nowhere',
      GROUP: '$Default',
      EventHubs: hubs.connectionString,
      AzureWebJobsStorage: storage.connectionString,
    });
    expect([code, log]).toEqual([1, expect.stringContaining('function collect: event hub "nowhere" at localhost')]);
  });

  it('says which file cannot be loaded, and why', async () => {
    const folder = join(scratch, 'broken');
    mkdirSync(folder);
    writeFileSync(join(folder, 'package.json'), '{"type": "module", "main": "*.mjs"}');
    writeFileSync(join(folder, 'host.json'), '{"version": "2.0"}');
    writeFileSync(join(folder, 'a.mjs'), "import 'a-package-that-is-not-there';");
    const { code, log } = await refusal(folder, { AzureWebJobsStorage: storage.connectionString });
    expect([code, log]).toEqual([
      1,
      expect.stringMatching(/loading a\.mjs: Cannot find package 'a-package-that-is-not-there'/),
    ]);
  });

  it('names a binding that it does not know', async () => {
    const folder = join(scratch, 'queue');
    mkdirSync(folder);
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    writeFileSync(join(folder, 'package.json'), '{"type": "module", "main": "*.mjs"}');
    writeFileSync(join(folder, 'host.json'), '{"version": "2.0"}');
    writeFileSync(
      join(folder, 'a.mjs'),
      "import { app } from '@azure/functions'; app.serviceBusQueue('q', { queueName: 'q', connection: 'C', handler() {} });",
    );
    const { code, log } = await refusal(folder, { AzureWebJobsStorage: storage.connectionString });
    expect([code, log]).toEqual([1, expect.stringContaining('function q has a binding of type serviceBusTrigger')]);
  });

  it('says which port is in use', async () => {
    const taken = createServer().listen(0);
    await once(taken, 'listening');
    const { port } = taken.address() as { port: number };
    const { code, log } = await refusal(join(APPS, 'web'), {
      TICK: NEVER,
      AzureWebJobsStorage: storage.connectionString,
      FUNCTIONS_PORT: String(port),
    });
    taken.close();
    expect([code, log]).toEqual([1, expect.stringMatching(`port ${port} is in use.*FUNCTIONS_PORT`)]);
  });

  it('reads local.settings.json, the environment over it', async () => {
    const folder = join(scratch, 'settings');
    mkdirSync(folder);
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    writeFileSync(join(folder, 'package.json'), '{"type": "module", "main": "app.mjs"}');
    writeFileSync(join(folder, 'host.json'), '{"version": "2.0"}');
    const Values = { AzureWebJobsStorage: storage.connectionString, FROM_FILE: 'file', FROM_BOTH: 'file' };
    writeFileSync(join(folder, 'local.settings.json'), JSON.stringify({ IsEncrypted: false, Values }));
    writeFileSync(
      join(folder, 'app.mjs'),
      "import { app } from '@azure/functions'; app.get('env', () => ({ jsonBody: [process.env.FROM_FILE, process.env.FROM_BOTH] }));",
    );
    const host = await startHost({ appDir: folder, env: { FROM_BOTH: 'environment' } });
    expect(await (await fetch(`${host.url}/api/env`)).json()).toEqual(['file', 'environment']);
    await host.stop();
  });
});

describe('HTTP and timer triggers', () => {
  const askAt = (address: string, { port }: FunctionsHost) => fetch(`http://${address}:${port}/v2/models/iris`);

  it('listens for this machine alone, by IPv4 and IPv6, unless FUNCTIONS_HOST opens it', async () => {
    const host = await run('web');
    for (const address of LOOPBACK) expect(await (await askAt(address, host)).text()).toBe('model iris');
    await expect(askAt(ELSEWHERE, host)).rejects.toMatchObject({ cause: { code: 'ECONNREFUSED' } });
    expect(await host.stop()).toBe(0);

    const open = await run('web', { FUNCTIONS_HOST: '0.0.0.0' });
    expect(await (await askAt(ELSEWHERE, open)).text()).toBe('model iris');
    expect(await open.stop()).toBe(0);
  });

  it('answers a body above 100 MB by 500, as the real host does, and goes on', async () => {
    const host = await run('web');
    const post = async (mb: number) => {
      const body = Buffer.alloc(mb * 1024 * 1024, ' ');
      const url = `${host.url}/v2/models/m/versions/1/infer`;
      const answer = await fetch(url, { method: 'POST', body });
      await answer.arrayBuffer();
      return answer.status;
    };
    expect(await post(120)).toBe(500);
    expect(await post(1)).toBe(201);
    expect(await host.stop()).toBe(0);
  }, 120_000);

  it('says which address it cannot listen on', async () => {
    const { code, log } = await refusal(join(APPS, 'web'), {
      TICK: NEVER,
      AzureWebJobsStorage: storage.connectionString,
      FUNCTIONS_HOST: '192.0.2.1',
    });
    expect([code, log]).toEqual([1, expect.stringContaining('functions host: cannot listen on 192.0.2.1, port 0')]);
  });

  it.each(['', 'yes'])('answers by routes, methods and parameters (streaming: "%s")', async STREAM => {
    const host = await run('web', { STREAM });
    const answer = await fetch(`${host.url}/v2/models/iris%20set/versions/1.2/infer?q=a&x=1&x=2`, {
      method: 'POST',
      headers: [
        ['content-type', 'text/x-mine'],
        ['x-twice', 'a'],
        ['x-twice', 'b'],
      ],
      body: 'söme bytes',
    });
    expect(answer.status).toBe(201);
    expect(answer.headers.get('x-version')).toBe('1.2');
    expect(answer.headers.get('set-cookie')).toMatch(/seen=yes; Path=\/; HttpOnly/);
    // What is repeated is one text; with streaming the library's own server takes it as it comes.
    const repeated = STREAM ? { x: '1' } : { x: '1,2' };
    expect(await answer.json()).toMatchObject({
      ...{ name: 'iris set', query: 'a', text: 'söme bytes', type: 'text/x-mine' },
      ...repeated,
      header: expect.stringMatching(/^a, ?b$/),
    });
    expect(await (await fetch(`${host.url}/v2/models/iris`)).text()).toBe('model iris');
    expect((await fetch(`${host.url}/v2/models/iris`, { method: 'DELETE' })).status).toBe(404);
    expect((await fetch(`${host.url}/v2/nothing/here`)).status).toBe(404);
    expect((await fetch(`${host.url}/broken`)).status).toBe(500);
    expect(host.log()).toMatch(/information Function\.infer\.User: asked for iris set/);
    expect(host.log()).toMatch(/error Function\.broken: failed .*broken on purpose/);

    const slow = await fetch(`${host.url}/slowly`);
    const parts: string[] = [];
    for await (const part of slow.body ?? []) parts.push(Buffer.from(part).toString());
    expect(parts.join('')).toBe('one two three');
    expect(parts.length > 1).toBe(STREAM === 'yes');
    expect(await host.stop()).toBe(0);
  });

  it('fires a timer by its schedule, once among hosts that share storage', async () => {
    const env = { TICK: '* * * * * *' };
    const fromMs = Date.now();
    const [one, two] = await Promise.all([run('web', env), run('web', env)]);
    // Where several come in a minute the host keeps no status of the timer, so it has no next time to tell.
    const ticks = () =>
      [one, two].flatMap(host => [...host.log().matchAll(/tick past due (true|false) next undefined/g)]);
    await soon(() => expect(ticks().length).toBeGreaterThanOrEqual(4), 20_000);
    await Promise.all([one.stop(), two.stop()]);
    expect(ticks().length).toBeLessThanOrEqual((Date.now() - fromMs) / 1000 + 1);
  }, 60_000);

  it('runs hooks around functions and logs, of a CommonJS app', async () => {
    const host = await run('hooks');
    expect(await (await fetch(`${host.url}/hello`)).text()).toBe('wrapped hello');
    expect(await host.stop()).toBe(0);
    expect(host.log()).toMatch(/^HOOK start$/m);
    expect(host.log()).toMatch(/^WARM$/m);
    expect(host.log()).toMatch(/Function\.hello\.User: a \*\*\*$/m);
    expect(host.log()).toMatch(/^HOOK after hello wrapped hello$/m);
    expect(host.log()).toMatch(/^HOOK terminate$/m);
  });
});
