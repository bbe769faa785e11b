import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import { catalogWorld } from '../../support/catalog-world.ts';
import { large } from '../../support/onnx.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
const residentMegabytes = () => {
  collect();
  return process.memoryUsage.rss() / 1e6;
};

it('memory stays flat while a model is replaced 200 times, and holds two of its versions at most', async () => {
  const world = catalogWorld();
  const file = large(2_000_000);
  let [afterTen, most] = [0, 0];
  for (let swap = 1; swap <= 200; swap++) {
    world.store.remove(`m/1.${swap - 5}.0/model.onnx`); // some are deleted, as those who tidy up do
    world.store.put(`m/1.${swap}.0/model.json`, { batching: { max_batch_size: 8 } }); // quicker to try
    world.store.put(`m/1.${swap}.0/model.onnx`, file);
    await world.catalog.refresh();
    expect(await world.version('m')).toBe(`1.${swap}.0`);
    most = Math.max(most, (await world.loaded()).length);
    if (swap === 10) afterTen = residentMegabytes();
  }
  expect(most).toBe(2);
  expect(residentMegabytes() - afterTen).toBeLessThan(60); // held, they would take 800
  await world.close();
}, 120_000);
