import { afterEach, beforeEach, expect, it } from 'vitest';
import { type CatalogWorld, catalogWorld } from '../../support/catalog-world.ts';

let world: CatalogWorld;
let letGo: () => void;
let hanging: Promise<void>;
beforeEach(() => {
  world = catalogWorld();
  hanging = new Promise(resolve => {
    letGo = resolve;
  });
});
afterEach(async () => {
  letGo();
  await world.close();
});

it('versions that hang while they are loaded hold up no look, and no other model', async () => {
  await world.start({ loadTimeoutMs: 60_000 });
  const names = ['a', 'b', 'c', 'm'];
  for (const name of names) {
    world.put(`${name}/1.0.0`);
    expect(await world.version(name)).toBe('1.0.0');
  }
  for (const name of ['a', 'b', 'c']) {
    world.put(`${name}/2.0.0`);
    world.store.faults.set(`${name}/2.0.0/model.onnx`, hanging);
  }
  const held = world.catalog.refresh();
  await expect.poll(() => world.store.asked.reads.filter(({ path }) => /2\.0\.0/.test(path)).length).toBe(2);
  world.put('m/2.0.0');
  let followed = world.catalog.refresh();
  await expect.poll(() => world.version('m'), { timeout: 15_000 }).toBe('2.0.0');
  world.store.put('m/deployment.json', { aliases: { production: '1.0.0' } });
  followed = Promise.all([followed, world.catalog.refresh()]).then(() => {});
  await expect.poll(() => world.version('m'), { timeout: 15_000 }).toBe('1.0.0');
  letGo();
  await Promise.all([held, followed]);
  expect(await Promise.all(names.map(name => world.version(name)))).toEqual(['2.0.0', '2.0.0', '2.0.0', '1.0.0']);
});
