import { afterEach, beforeEach, expect, it } from 'vitest';
import { type CatalogWorld, catalogWorld } from '../../support/catalog-world.ts';
import { batchOf } from '../../support/events.ts';
import { regressor } from '../../support/onnx.ts';
import { openScoring } from '../../support/open-scoring.ts';

let world: CatalogWorld;
beforeEach(() => {
  world = catalogWorld();
});
afterEach(() => world.close());

function ensemble(path: string, members: readonly object[], more: object = {}, card: object = {}): void {
  world.store.put(`${path}/model.json`, JSON.stringify({ ensemble: { members, ...more }, ...card }));
}

const A = { model: 'a', version: '1.0.0' };
const B = { model: 'b', version: '1.0.0' };

it('answers by members that are in memory once, whoever else asks for them', async () => {
  world.put('a/1.0.0', [1, 1]);
  world.put('b/1.0.0', [3, 3]);
  ensemble('both/1.0.0', [A, B]);
  expect(await world.answer('both')).toBe(4);
  expect(await world.answer('a')).toBe(2);
  expect(world.loads.toSorted()).toEqual(['a/1.0.0/model.onnx', 'b/1.0.0/model.onnx']);
  expect(await world.loaded()).toEqual(['a/1.0.0', 'b/1.0.0', 'both/1.0.0']);
});

it('keeps its pins whatever becomes production, and takes versions of its own model', async () => {
  world.put('m/1.0.0', [1, 1]);
  world.put('m/1.1.0', [2, 2]);
  ensemble('m/2.0.0', [{ version: '1.0.0' }, { version: '1.1.0' }]);
  expect(await world.answer('m')).toBe(3);
  world.put('m/1.2.0', [9, 9]);
  await world.catalog.refresh();
  expect(await world.answer('m')).toBe(3);
});

it('has members unloaded for lack of room and brought back', async () => {
  const budget = { memoryBytes: 1 };
  await world.start(budget);
  world.put('a/1.0.0', [1, 1]);
  world.put('b/1.0.0', [3, 3]);
  world.put('c/1.0.0', [5, 5]);
  ensemble('both/1.0.0', [A, B]);
  expect(await world.answer('both')).toBe(4);
  expect(await world.answer('c')).toBe(10);
  expect(await world.loaded()).toEqual(['both/1.0.0', 'c/1.0.0']);
  expect(await world.answer('both')).toBe(4);
  expect(world.log.about(/a 1\.0\.0\+\w+ unloaded to make room/).length).toBeGreaterThan(0);
});

it('keeps its members for as long as it is production, though nobody asked for a while', async () => {
  for (const name of ['a', 'b']) {
    world.put(`${name}/1.0.0`, [1, 1]);
    world.put(`${name}/2.0.0`, [1, 1]);
  }
  ensemble('both/1.0.0', [A, B]);
  expect(await world.answer('both')).toBe(2);
  world.nowMs += 400_000;
  await world.catalog.refresh();
  expect(await world.loaded()).toEqual(['a/1.0.0', 'b/1.0.0', 'both/1.0.0']);
});

it.each([
  ['itself', 'round/1.0.0', [A, { version: '1.0.0' }], 'member round 1.0.0: it is an ensemble itself'],
  [
    'one that names it',
    'round/1.0.0',
    [A, { model: 'other', version: '1.0.0' }],
    'member other 1.0.0: it is an ensemble itself',
  ],
  [
    'one that is not there',
    'round/1.0.0',
    [A, { model: 'none', version: '1.0.0' }],
    'member none 1.0.0: it is not there',
  ],
])('that names %s does not serve, and says why', async (_, path, members, says) => {
  world.put('a/1.0.0', [1, 1]);
  ensemble(path, members);
  ensemble('other/1.0.0', [A, { model: 'round', version: '1.0.0' }]);
  await expect(world.route('round')).rejects.toMatchObject({
    code: 'model_unavailable',
    message: expect.stringContaining(`round/1.0.0/model.json: ensemble: ${says}`),
  });
});

it('whose member is taken away is away, or goes on with the others as its card says', async () => {
  world.put('a/1.0.0', [1, 1]);
  world.put('b/1.0.0', [3, 3]);
  ensemble('strict/1.0.0', [A, B]);
  ensemble('lax/1.0.0', [A, B], { on_missing: 'ignore' });
  expect([await world.answer('strict'), await world.answer('lax')]).toEqual([4, 4]);
  world.store.remove('b/1.0.0/model.onnx');
  await world.catalog.refresh();
  await expect(world.answer('strict')).rejects.toMatchObject({ code: 'model_unavailable' });
  expect(await world.answer('lax')).toBe(2);
  const states = await Promise.all(
    ['strict', 'lax'].map(async name => (await world.route(name)).version.backend.status),
  );
  expect(states).toMatchObject([
    { state: 'away', reason: 'b 1.0.0: it is not there any more' },
    { state: 'up', reason: 'b 1.0.0: it is not there any more' },
  ]);
});

it('takes what its members take and say of themselves, and names who answered', async () => {
  const features = [
    { name: 'tenure', missing: { fill: 2 } },
    { name: 'charges', range: [0, 10] },
  ];
  for (const [path, weight] of [
    ['a/1.0.0', 1],
    ['b/1.0.0', 3],
  ] as const) {
    world.store.put(`${path}/model.onnx`, regressor([weight, weight]));
    world.store.put(`${path}/model.json`, JSON.stringify({ features }));
  }
  ensemble('both/1.0.0', [A, B], { on_missing: 'ignore' });
  const { version } = await world.route('both');
  expect(version.card.features.map(({ name, fill, range }) => [name, fill, range])).toEqual([
    ['tenure', 2, undefined],
    ['charges', undefined, [0, 10]],
  ]);
  expect(version.card.outputs).toMatchObject({ value: 'variable', extra: ['answered_by'] });
  const bodies = [
    { model: 'both', features: { tenure: null, charges: 1 } },
    { model: 'both', features: { tenure: 1, charges: 11 } },
  ];
  const scored = await openScoring(world.catalog).score(batchOf(bodies), AbortSignal.timeout(30_000));
  expect(scored.outcomes().map(({ body }) => JSON.parse(body.toString()))).toMatchObject([
    { prediction: 6, outputs: { answered_by: 'a 1.0.0, b 1.0.0' } },
    { error: { code: 'schema_mismatch' } },
  ]);
});
