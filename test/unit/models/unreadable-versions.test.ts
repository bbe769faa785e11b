import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BlobGone, BlobUnusable } from '../../../src/core/blobs.ts';
import { type CatalogWorld, catalogWorld } from '../../support/catalog-world.ts';

const archived = (path: string) => new BlobUnusable(`downloading ${path}: it lies in the archive tier: rehydrate it`);

describe('a version that is there and cannot be read', () => {
  let world: CatalogWorld;
  beforeEach(() => {
    world = catalogWorld();
    world.put('m/1.0.0', [1, 1]);
    world.put('m/2.0.0', [2, 2]);
    world.put('n/1.0.0', [3, 3]);
  });
  afterEach(() => world.close());

  it.each<[string, string, string | Buffer | undefined, RegExp]>([
    ['a card of 17 MB', 'model.json', `{"a":"${'x'.repeat(17_000_000)}"}`, /^m\/2\.0\.0\/model\.json: 17000008 bytes/],
    ['a card that is no UTF-8', 'model.json', Buffer.from([0x7b, 0xff, 0x7d]), /^m\/2\.0\.0\/model\.json: not UTF-8/],
    ['a card that is archived', 'model.json', undefined, /m\/2\.0\.0\/model\.json: it lies in the archive tier/],
    ['a model file that is archived', 'model.onnx', undefined, /m\/2\.0\.0\/model\.onnx: it lies in the archive tier/],
  ])('for %s is broken and says so; all others serve', async (_, file, content, message) => {
    const path = `m/2.0.0/${file}`;
    if (content === undefined) {
      if (file === 'model.json') world.store.put(path, '{}');
      world.store.faults.set(path, archived(path));
    } else world.store.put(path, content);
    await world.catalog.start();
    expect(await world.answer('m')).toBe(2);
    expect(await world.answer('n')).toBe(6);
    const refusal = { code: 'model_unavailable', message: expect.stringMatching(message) };
    for (let i = 0; i < 3; i++) await expect(world.route('m', '2.0.0')).rejects.toMatchObject(refusal);
    expect(world.log.about(/does not serve/)).toHaveLength(1);
    world.store.faults.clear();
    if (content !== undefined) world.store.put(path, '{}');
    await world.catalog.refresh();
    world.nowMs += 60_000;
    await world.catalog.refresh();
    expect(await world.answer('m')).toBe(4);
  });

  it('since it is listed and never there is broken, and holds up no batch', async () => {
    world.store.faults.set('m/2.0.0/model.onnx', new BlobGone('downloading m/2.0.0/model.onnx: not there'));
    const message = 'downloading m/2.0.0/model.onnx: not there, though it is listed: upload it again';
    await expect(world.route('m', '2.0.0')).rejects.toMatchObject({ code: 'model_unavailable', message });
    expect(await world.answer('m')).toBe(2);
    world.put('m/2.0.0', [2, 2]);
    world.store.faults.clear();
    await world.catalog.refresh();
    expect(await world.answer('m')).toBe(4);
  });
});
