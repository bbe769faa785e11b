import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type CatalogWorld, catalogWorld } from '../../support/catalog-world.ts';

const AWAY = { name: 'InfrastructureError' };
const UNAVAILABLE = { name: 'RequestError', code: 'model_unavailable' };

let world: CatalogWorld;
beforeEach(() => {
  world = catalogWorld();
});
afterEach(() => world.close());

/** A look at storage that gets no answer. */
const never = new Promise<void>(() => {});

async function loaded(waitMs: number, loadTimeoutMs = 10_000): Promise<void> {
  world.put('m/1.0.0');
  world.put('m/1.1.0');
  await world.start({ waitMs, loadTimeoutMs });
  expect(await world.version('m')).toBe('1.1.0');
}

describe('a request for what nothing tells of', () => {
  it.each([
    ['a model', 'z', undefined],
    ['a version that is not loaded', 'm', '1.0.0'],
  ])(
    'for %s is held for so long and no longer, then ends, and is found as soon as storage is back',
    async (_, name, asked) => {
      await loaded(60_000);
      world.store.away = true;
      await expect(world.route(name, asked)).rejects.toMatchObject(AWAY);
      world.nowMs += 50_000;
      await expect(world.route(name, asked)).rejects.toMatchObject(AWAY);
      world.nowMs += 10_000;
      await expect(world.route(name, asked)).rejects.toMatchObject({
        ...UNAVAILABLE,
        message: expect.stringMatching(/storage is away; waited for 60 s \(MODEL_WAIT_SECONDS\)$/),
      });
      expect(await world.version('m')).toBe('1.1.0');
      world.store.away = false;
      world.put('z/1.0.0');
      expect(await world.version(name, asked)).toBe('1.0.0');
    },
  );

  it('is held for ever where that is wanted', async () => {
    await loaded(0);
    world.store.away = true;
    for (let hours = 0; hours < 5; hours++) {
      await expect(world.route('z')).rejects.toMatchObject(AWAY);
      world.nowMs += 3_600_000;
    }
  });

  it('waits no longer than the first of all of them: names without end hold nothing up', async () => {
    await loaded(60_000);
    world.store.away = true;
    await expect(world.route('z')).rejects.toMatchObject(AWAY);
    world.nowMs += 60_000;
    await expect(world.route('y')).rejects.toMatchObject(UNAVAILABLE);
  });

  it('is held anew at the next outage', async () => {
    await loaded(60_000);
    for (let outages = 0; outages < 2; outages++) {
      world.store.away = true;
      await expect(world.route('z')).rejects.toMatchObject(AWAY);
      world.nowMs += 60_000;
      await expect(world.route('z')).rejects.toMatchObject(UNAVAILABLE);
      world.store.away = false;
      world.nowMs += 600_000;
      await world.catalog.refresh();
      world.nowMs += 600_000;
    }
  });

  it('ends though no answer comes at all, neither unknown nor broken', async () => {
    await loaded(50);
    world.store.listGate = never;
    await expect(world.route('z')).rejects.toMatchObject({
      ...UNAVAILABLE,
      message: 'what is asked for was neither found nor loaded; waited for 0.05 s (MODEL_WAIT_SECONDS)',
    });
  });
});

it('whoever asks whether models can be looked up is told what the last look showed', async () => {
  await loaded(0);
  expect(world.catalog.failure).toBeUndefined();
  world.store.away = true;
  await expect(world.catalog.refresh()).rejects.toMatchObject(AWAY);
  expect(world.catalog.failure).toMatchObject(AWAY);
  world.store.away = false;
  await world.catalog.refresh();
  expect(world.catalog.failure).toBeUndefined();
});

describe('a version that does not come in time', () => {
  it('is held where storage does not answer a look either, and serves once it does', async () => {
    await loaded(0, 1_000);
    world.store.faults.set('m/1.0.0/model.onnx', never);
    const loading = world.route('m', '1.0.0');
    world.store.away = true;
    await expect(loading).rejects.toMatchObject(AWAY);
    world.store.away = false;
    world.store.faults.clear();
    expect(await world.version('m', '1.0.0')).toBe('1.0.0');
  });

  it('is broken where storage answers: it alone is to blame', async () => {
    await loaded(0, 1_000);
    world.store.faults.set('m/1.0.0/model.onnx', never);
    await expect(world.route('m', '1.0.0')).rejects.toMatchObject(UNAVAILABLE);
  });
});
