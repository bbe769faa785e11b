import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type CatalogWorld, catalogWorld } from '../../support/catalog-world.ts';
import { floats } from '../../support/models.ts';
import { rolloutOf } from '../../support/rollouts.ts';

const MINUTE = 60_000;

describe('memory', () => {
  let world: CatalogWorld;
  beforeEach(() => {
    world = catalogWorld();
  });
  afterEach(() => world.close());
  const look = () => world.catalog.refresh();
  const loaded = () => world.loaded();

  it('lets go of a version that another took over from, with the look after', async () => {
    world.put('m/1.0.0', [1, 1]);
    const before = await world.route('m');
    world.put('m/1.1.0', [2, 2]);
    await look();
    expect(await loaded()).toEqual(['m/1.0.0', 'm/1.1.0']); // batches may be on their way to it
    await look();
    expect(await loaded()).toEqual(['m/1.1.0']);
    const outputs = await before.version.backend.predict({ x: floats([1, 2], 1, 1) });
    expect(outputs.variable?.data[0]).toBe(2); // who still holds it has it back
  });

  it('never holds more than two versions of a model that is replaced again and again', async () => {
    for (let minor = 0; minor < 20; minor++) {
      world.put(`m/1.${minor}.0`, [minor, 1]);
      await look();
      expect(await world.answer('m')).toBe(minor + 1);
      expect((await loaded()).length).toBeLessThanOrEqual(2);
    }
  });

  it('keeps a version for five minutes after a request that named it', async () => {
    for (const version of ['1.0.0', '1.1.0', '2.0.0']) world.put(`m/${version}`);
    for (const asked of [undefined, '1.0.0', 'v1.1']) await world.route('m', asked);
    for (let minute = 0; minute < 4; minute++) {
      world.nowMs += MINUTE;
      await world.route('m', 'v1.1');
      await look();
    }
    expect(await loaded()).toEqual(['m/1.0.0', 'm/1.1.0', 'm/2.0.0']);
    world.nowMs += 2 * MINUTE;
    await look();
    expect(await loaded()).toEqual(['m/1.1.0', 'm/2.0.0']);
    world.nowMs += 60 * MINUTE;
    await look();
    expect(await loaded()).toEqual(['m/2.0.0']); // it is production, asked for or not
    expect(world.log.about(/m 1\.0\.0\+\w+ unloaded: nothing asks for it any more/)).toHaveLength(1);
    expect(await world.version('m', '1.0.0')).toBe('1.0.0');
  });

  it('keeps a superseded version that requests name', async () => {
    world.put('m/1.0.0');
    for (const asked of [undefined, '1.0.0']) await world.route('m', asked);
    world.put('m/2.0.0');
    for (let i = 0; i < 3; i++) await look();
    expect(await loaded()).toEqual(['m/1.0.0', 'm/2.0.0']);
  });

  it('keeps what an alias or a rollout names, previous among them', async () => {
    for (let major = 1; major <= 5; major++) world.put(`m/${major}.0.0`);
    world.store.put('m/deployment.json', {
      aliases: { production: '4.0.0', previous: '3.0.0' },
      rollout: rolloutOf({ candidate: '5.0.0', baseline: '4.0.0' }),
    });
    for (let major = 1; major <= 5; major++) await world.route('m', `${major}.0.0`);
    world.nowMs += 60 * MINUTE;
    await look();
    expect(await loaded()).toEqual(['m/3.0.0', 'm/4.0.0', 'm/5.0.0']);
    world.store.put('m/deployment.json', { aliases: { production: '5.0.0' } });
    await look();
    await look();
    expect(await loaded()).toEqual(['m/5.0.0']);
  });

  it('lets go of versions that were deleted from storage', async () => {
    for (const path of ['m/1.0.0', 'm/2.0.0', 'n/1.0.0']) world.put(path);
    for (const asked of ['1.0.0', '2.0.0']) await world.route('m', asked);
    await world.route('n');
    world.store.remove('m/2.0.0/model.onnx');
    world.store.remove('n/1.0.0/model.onnx');
    await look();
    await look();
    expect(await loaded()).toEqual(['m/1.0.0']);
  });

  it('lets go of content that was replaced', async () => {
    world.put('m/1.0.0', [1, 1]);
    await world.route('m');
    world.put('m/1.0.0', [2, 2]);
    await look();
    await look();
    expect([await world.answer('m'), await loaded()]).toEqual([4, ['m/1.0.0']]);
  });

  it('too small for what is used is filled by requests alone, not by looks', async () => {
    const names = Array.from({ length: 12 }, (_, i) => `m${i}`);
    for (const name of names) world.put(`${name}/1.0.0`);
    await world.start({ memoryBytes: 2.5e6 }); // four of them
    for (const name of names) {
      world.nowMs += 1;
      await world.route(name);
    }
    const before = world.loads.length;
    for (let i = 0; i < 10; i++) await look();
    expect(world.loads).toHaveLength(before);
    expect((await loaded()).length).toBe(4);
    expect(await world.version('m0')).toBe('1.0.0');
    expect(world.loads).toHaveLength(before + 1);
    world.put('m0/1.1.0');
    await look();
    expect(await world.version('m0')).toBe('1.1.0'); // what is in memory is followed
    expect(world.loads).toHaveLength(before + 2);
  });

  it('too small for all of production is filled at the start, not filled again and again', async () => {
    for (let i = 0; i < 12; i++) world.put(`m${i}/1.0.0`);
    await world.start({ memoryBytes: 2.5e6 });
    await world.catalog.start();
    expect(world.loads.length).toBeLessThanOrEqual(6);
    expect((await loaded()).length).toBeGreaterThanOrEqual(4);
  });
});
