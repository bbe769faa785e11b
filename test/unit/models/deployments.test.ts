import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { BlobUnusable } from '../../../src/core/blobs.ts';
import { InfrastructureError } from '../../../src/core/errors.ts';
import { type CatalogWorld, catalogWorld } from '../../support/catalog-world.ts';

const FILE = 'm/deployment.json';
const ARCHIVED = new BlobUnusable(`reading ${FILE}: it lies in the archive tier: rehydrate it`);
const UNAVAILABLE = { code: 'model_unavailable', stage: 'route' };

describe('a deployment.json that cannot be used', () => {
  let world: CatalogWorld;
  beforeEach(() => {
    world = catalogWorld();
    world.put('m/1.0.0');
    world.put('m/2.0.0');
    world.put('n/1.0.0');
  });
  afterEach(async () => {
    vi.useRealTimers();
    await world.close();
  });

  const pin = (version: string) => world.store.put(FILE, { aliases: { production: version, blue: '2.0.0' } });
  const spoil: [string, RegExp, () => void][] = [
    ['is no JSON', /not JSON/, () => world.store.put(FILE, 'oh')],
    ['is no UTF-8', /not UTF-8/, () => world.store.put(FILE, Buffer.from([0x7b, 0xff, 0x7d]))],
    [
      'is larger than 256 KiB',
      /262145 bytes/,
      () => world.store.put(FILE, `{"aliases":{"production":"2.0.0"}}${' '.repeat(262_145 - 34)}`),
    ],
    [
      'is archived',
      /archive tier/,
      () => {
        pin('2.0.0');
        world.store.faults.set(FILE, ARCHIVED);
      },
    ],
  ];

  it.each(spoil)('since it %s leaves the last good one in force, also after a restart', async (_, words, damage) => {
    pin('1.0.0');
    expect(await world.version('m')).toBe('1.0.0');
    damage();
    await world.catalog.refresh();
    await world.catalog.refresh();
    expect([await world.version('m'), await world.version('m', 'blue')]).toEqual(['1.0.0', '2.0.0']);
    expect(world.log.about(words)).toEqual([expect.stringMatching(/^(reading )?m\/deployment\.json.*stays in force$/)]);
    await world.start();
    expect([await world.version('m'), await world.version('m', 'blue')]).toEqual(['1.0.0', '2.0.0']);
  });

  it.each(spoil)('since it %s, where none was ever good, makes nothing live', async (_, words, damage) => {
    damage();
    await world.catalog.start();
    for (const asked of [undefined, 'production', 'Production', 'blue', '7.0.0']) {
      const refusal = { ...UNAVAILABLE, message: expect.stringMatching(words) };
      await expect(world.route('m', asked)).rejects.toMatchObject(refusal);
    }
    expect(await world.version('m', '1.0.0')).toBe('1.0.0');
    expect(await world.version('m', 'v2')).toBe('2.0.0');
    expect(await world.version('n')).toBe('1.0.0');
    const [m] = await world.catalog.list();
    expect(m).toMatchObject({ name: 'm', production: undefined, aliases: {} });
    world.store.faults.clear();
    pin('1.0.0');
    await world.catalog.refresh();
    expect(await world.version('m')).toBe('1.0.0');
  });

  it('says so again when it changes, and when it is mended', async () => {
    pin('1.0.0');
    await world.version('m');
    for (const text of ['oh', 'oh', 'ah']) {
      world.store.put(FILE, text);
      await world.catalog.refresh();
      await world.catalog.refresh();
    }
    expect(world.log.about(/deployment\.json: not JSON/)).toHaveLength(3);
    pin('2.0.0');
    await world.catalog.refresh();
    expect(world.log.about(/m\/deployment\.json: in force again/)).toHaveLength(1);
    expect(await world.version('m')).toBe('2.0.0');
  });

  it('makes no newer version live where there was none before', async () => {
    expect(await world.version('m')).toBe('2.0.0');
    world.store.put(FILE, 'oh');
    world.put('m/3.0.0');
    await world.catalog.refresh();
    expect(await world.version('m')).toBe('2.0.0');
    await world.start();
    expect(await world.version('m')).toBe('2.0.0');
  });

  it('is forgotten with what it said once it is deleted', async () => {
    pin('1.0.0');
    await world.version('m');
    world.store.remove(FILE);
    await world.catalog.refresh();
    expect(await world.version('m')).toBe('2.0.0');
    expect(readdirSync(join(world.folder, 'deployments'))).toEqual([]);
    world.store.put(FILE, 'oh');
    await world.start();
    await expect(world.route('m')).rejects.toMatchObject(UNAVAILABLE);
  });

  it('takes nothing from another storage that shares the folder', async () => {
    await world.start({ storage: 'https://one.blob.core.windows.net/models' });
    pin('1.0.0');
    await world.version('m');
    world.store.put(FILE, 'oh');
    await world.start({ storage: 'https://two.blob.core.windows.net/models' });
    await expect(world.route('m')).rejects.toMatchObject(UNAVAILABLE);
    await world.start({ storage: 'https://one.blob.core.windows.net/models' });
    expect(await world.version('m')).toBe('1.0.0');
  });

  it('since it comes back from the archive under the same ETag is read again after a while', async () => {
    pin('1.0.0');
    world.store.faults.set(FILE, ARCHIVED);
    await expect(world.route('m')).rejects.toMatchObject(UNAVAILABLE);
    world.store.faults.clear();
    world.nowMs += 60_000;
    expect(await world.version('m')).toBe('1.0.0');
  });

  it('for now, since storage does not give it, holds requests of its model alone', async () => {
    pin('1.0.0');
    world.store.faults.set(FILE, new InfrastructureError(`reading ${FILE}: the connection was lost`));
    await world.catalog.start();
    await expect(world.route('m')).rejects.toMatchObject({ name: 'InfrastructureError' });
    expect(await world.version('m', '2.0.0')).toBe('2.0.0');
    expect(await world.version('n')).toBe('1.0.0');
    world.put('z/1.0.0');
    expect(await world.version('z')).toBe('1.0.0');
    world.store.faults.clear();
    world.nowMs += 60_000;
    expect(await world.version('m')).toBe('1.0.0');
  });

  it('for now, since storage is slow to give it, holds up no other model', async () => {
    for (let i = 0; i < 40; i++) {
      world.put(`p${i}/1.0.0`);
      world.store.put(`p${i}/deployment.json`, { aliases: {} });
    }
    pin('1.0.0');
    world.store.faults.set(FILE, new Promise(() => {}));
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const inTime = async <T>(work: Promise<T>) => {
      await vi.advanceTimersByTimeAsync(5_000);
      return work;
    };
    expect(await inTime(world.version('n'))).toBe('1.0.0');
    expect(await world.version('p39')).toBe('1.0.0');
    const held = expect(world.route('m')).rejects.toMatchObject({
      name: 'InfrastructureError',
      message: expect.stringContaining('m/deployment.json: not read within 5 s'),
    });
    await inTime(held);
    world.put('z/1.0.0');
    expect(await world.version('z')).toBe('1.0.0'); // it is not asked for again at once
  });
});

describe('a container that is not there any more', () => {
  it('takes nothing from those who were served from it, and says so once', async () => {
    const world = catalogWorld();
    world.store.missing = true;
    await expect(world.route('m')).rejects.toMatchObject({ code: 'unknown_model' }); // it never was
    world.store.missing = false;
    world.put('m/1.0.0');
    expect(await world.version('m')).toBe('1.0.0');
    world.store.missing = true;
    const gone = { name: 'InfrastructureError', message: expect.stringContaining('is not there any more') };
    await expect(world.catalog.refresh()).rejects.toMatchObject(gone);
    expect(await world.version('m')).toBe('1.0.0');
    await expect(world.route('z')).rejects.toMatchObject({ name: 'InfrastructureError' });
    world.store.missing = false;
    world.store.remove('m/1.0.0/model.onnx');
    await world.catalog.refresh();
    await expect(world.route('m')).rejects.toMatchObject({ code: 'unknown_model' }); // an empty one says what it says
    await world.close();
  });
});
