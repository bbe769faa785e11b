import { afterEach, describe, expect, it } from 'vitest';
import { type CatalogWorld, catalogWorld } from '../../support/catalog-world.ts';

let world: CatalogWorld;
afterEach(() => world.close());

const mapped = (name: string) => {
  world.put(`${name}/1.0.0`);
  world.store.put(`${name}/1.0.0/model.json`, JSON.stringify({ input: { row: `$.${name}` } }));
};

describe('the mapping of a model', () => {
  it('is that of its card, known at once when it is loaded; the default one where none is named', async () => {
    world = catalogWorld();
    mapped('m');
    expect((await world.catalog.inputOf(undefined, undefined))?.row).toMatchObject([{ text: '$.m' }]);
    expect(world.catalog.inputOf(undefined, undefined)).toHaveProperty('row');
    mapped('n');
    await world.catalog.refresh();
    expect(world.catalog.inputOf(undefined, undefined)).toBeUndefined();
    expect((await world.catalog.inputOf('n', '1.0.0'))?.row).toMatchObject([{ text: '$.n' }]);
  });

  it('is refused like the model where that is not there', async () => {
    world = catalogWorld();
    mapped('m');
    await expect(world.catalog.inputOf('other', undefined)).rejects.toMatchObject({ code: 'unknown_model' });
  });
});
