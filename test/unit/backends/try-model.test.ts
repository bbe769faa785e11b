import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { openInline } from '../../../src/backends/onnx/in-line.ts';
import { tryModel } from '../../../src/backends/onnx/try-model.ts';
import { NO_CARD } from '../../../src/models/card.ts';
import { resolveCard } from '../../../src/models/resolve-card.ts';
import { warmUpPlan } from '../../../src/models/warm-up-plan.ts';
import { floats, temporaryFolder } from '../../support/models.ts';
import { model, node, tensor, value } from '../../support/onnx.ts';

const folder = temporaryFolder();
afterAll(() => folder.remove());

let written = 0;
async function tried(file: Buffer) {
  const path = join(folder.path, `${written++}.onnx`);
  writeFileSync(path, file);
  const source = {
    title: 'm',
    file: path,
    bytes: file.length,
    plan: (signature: Parameters<typeof warmUpPlan>[0]) => {
      const card = { name: 'm', version: '1.0.0', file: 'm.json', raw: NO_CARD, classes: undefined };
      return warmUpPlan(signature, resolveCard(card, signature));
    },
  };
  const engine = await openInline(source);
  const found = await tryModel(source, engine, undefined);
  return { ...found, release: engine.release };
}

/** y = -x, the batch last. */
const turned = model({
  nodes: [node('Transpose', ['x'], ['t'], { perm: [1, 0] }), node('Neg', ['t'], ['y'])],
  inputs: [value('x', 'float32', [null, 3])],
  outputs: [value('y', 'float32', [3, null])],
});

describe('a model is tried', () => {
  it('and gives an output whose batch is last row by row', async () => {
    const { info, run, release } = await tried(turned);
    expect(info.signature.outputs).toEqual([{ name: 'y', type: 'float32', dims: [null, 3] }]);
    expect(info).not.toHaveProperty('apart');
    const { y } = await run({ x: floats([2, 3], 1, 2, 3, 4, 5, 6) });
    expect(y).toEqual({ type: 'float32', dims: [2, 3], data: Float32Array.of(-1, -2, -3, -4, -5, -6) });
    await release();
  });

  it('and takes an input whose batch is second row by row', async () => {
    const { info, run, release } = await tried(
      model({
        nodes: [node('ReduceSum', ['h', 'axis'], ['s'], { keepdims: 0 }), node('Add', ['x', 's'], ['y'])],
        inputs: [value('x', 'float32', [null, 2]), value('h', 'float32', [3, null, 2])],
        outputs: [value('y', 'float32', [null, 2])],
        initializers: [tensor('axis', [1], [0])],
      }),
    );
    expect(info.signature.inputs.map(({ dims }) => dims)).toEqual([
      [null, 2],
      [null, 3, 2],
    ]);
    const h = floats([2, 3, 2], 1, 2, 10, 20, 100, 200, 3, 4, 30, 40, 300, 400);
    expect((await run({ x: floats([2, 2], 0, 0, 1000, 1000), h })).y?.data).toEqual(
      Float32Array.of(111, 222, 1333, 1444),
    );
    await release();
  });

  it('and takes a first dimension of one size for a batch only where its rows have answers of their own', async () => {
    const whole = async (nodes: Uint8Array[], y: (number | null)[]) => {
      const inputs = [value('x', 'float32', [3, 2])];
      const { info, release } = await tried(model({ nodes, inputs, outputs: [value('y', 'float32', y)] }));
      await release();
      return info.signature.unbatched ?? false;
    };
    expect(await whole([node('Neg', ['x'], ['y'])], [3, 2])).toBe(false);
    expect(await whole([node('Softmax', ['x'], ['y'], { axis: 0 })], [3, 2])).toBe(true);
    expect(await whole([node('ReduceMean', ['x'], ['y'], { keepdims: 0 })], [])).toBe(true);
    // As many as there were rows when it was tried; the file knows better.
    const distinct = node('Unique', ['x'], ['y'], { axis: 0, sorted: 0 });
    expect(await whole([distinct], [2, 2])).toBe(true);
    expect(await whole([distinct], [null, 2])).toBe(false);
  });

  it('and gives a table whole to every row', async () => {
    const { run, release } = await tried(
      model({
        nodes: [node('Neg', ['x'], ['y']), node('Identity', ['t'], ['table'])],
        inputs: [value('x', 'float32', [null, 1])],
        outputs: [value('y', 'float32', [null, 1]), value('table', 'float32', [3])],
        initializers: [tensor('t', [3], Float32Array.of(5, 6, 7))],
      }),
    );
    const { table } = await run({ x: floats([2, 1], 1, 2) });
    expect(table).toEqual({ type: 'float32', dims: [2, 3], data: Float32Array.of(5, 6, 7, 5, 6, 7) });
    await release();
  });
});
