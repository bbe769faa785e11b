import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { createOnnxLoader } from '../../../src/backends/onnx/onnx-loader.ts';
import { inspectModel } from '../../../src/models/publish.ts';
import { notes, temporaryFolder } from '../../support/models.ts';
import { model, node, type OnnxType, tensor, value } from '../../support/onnx.ts';

const folder = temporaryFolder();
const loaders = [createOnnxLoader({ threads: 0, inlineMaxMs: 1, workerMinMs: 5, log: notes() })];
afterAll(() => folder.remove());

const CASES = join(import.meta.dirname, '../../fixtures/cases');
const fromCase = (name: string) => readFileSync(join(CASES, name, 'model.onnx'));

function inspect(file: Buffer, card: object = {}) {
  const paths = { file: join(folder.path, 'm.onnx'), card: join(folder.path, 'm.json') };
  writeFileSync(paths.file, file);
  writeFileSync(paths.card, JSON.stringify(card));
  return inspectModel({ name: 'm', version: '1.0.0', ...paths }, loaders);
}

/** y = table[x]. */
const embedding = (rows: number, first = 0) =>
  model({
    nodes: [node('Sub', ['x', 'first'], ['places']), node('Gather', ['table', 'places'], ['y'])],
    inputs: [value('x', 'int64', [null])],
    outputs: [value('y', 'float32', [null, 2])],
    initializers: [
      tensor('first', [1], [first]),
      tensor(
        'table',
        [rows, 2],
        Float32Array.from({ length: rows * 2 }, (_, i) => i),
      ),
    ],
  });

/** [N,?] numbers that have to be as many as there are weights. */
const weighted = (width: number) =>
  model({
    nodes: [node('MatMul', ['x', 'w'], ['y'])],
    inputs: [value('x', 'float32', [null, null])],
    outputs: [value('y', 'float32', [null, 1])],
    initializers: [tensor('w', [width, 1], new Float32Array(width).fill(1))],
  });

/** y is x, resized by factors that are an input. */
const enlarged = model({
  nodes: [node('Resize', ['x', '', 'scales'], ['y'])],
  inputs: [value('x', 'float32', [1, 1, 2, 2]), value('scales', 'float32', [4])],
  outputs: [value('y', 'float32', ['', '', '', ''])],
});

/** y is x with further dimensions, which have to differ. */
const unsqueezed = model({
  nodes: [node('Unsqueeze', ['x', 'axes'], ['y'])],
  inputs: [value('x', 'float32', [3]), value('axes', 'int64', [2])],
  outputs: [value('y', 'float32', ['', '', ''])],
});

describe('the first run', () => {
  it.each([
    ['bfloat16-message', 'm.onnx: input x has type bfloat16, which is not supported'],
    ['int4-input-message', 'm.onnx: input x has type int4, which is not supported'],
    ['sequence-output-message', 'm.onnx: output s is a sequence, none is a tensor'],
  ])('refuses in words what cannot be served: %s', async (name, words) => {
    await expect(inspect(fromCase(name))).rejects.toThrow(words);
  });

  it.each([
    ['numbers as text', fromCase('numbers-as-text-refused'), {}],
    [
      'numbers as text, with a fill',
      fromCase('numbers-as-text-refused'),
      { features: [{ name: 'x', type: 'string', missing: { fill: '0' } }] },
    ],
    ['a table of open width', fromCase('open-width-table-refused'), {}],
    ['a wider one', weighted(24), {}],
    ['one of a width that nobody would guess, with an example', weighted(39), { example: new Array(39).fill(0.5) }],
    ['one whose features the card names', weighted(2), { features: [{ name: 'a' }, { name: 'b' }] }],
    ['few indices', embedding(1), {}],
    ['indices from 1', embedding(1, 1), {}],
    ['indices in a range', embedding(3, 20), { features: [{ name: 'x', range: [20, 22] }] }],
    ['indices in an example', embedding(3, 20), { example: 21 }],
  ])('takes %s, in slices of any size', async (_, file, card) => {
    const { info, remarks } = await inspect(file, card);
    expect(info).toMatchObject({ maxBatchSize: 1000 });
    expect(info).not.toHaveProperty('apart');
    expect(remarks).toEqual([]);
  });

  it.each([
    ['a scale that is not 0', enlarged, {}],
    ['columns of an input in an example, by its name', unsqueezed, { example: { axes: [0, 2] } }],
  ])('takes %s, of a model that is unbatched', async (_, file, card) => {
    const { info } = await inspect(file, card);
    expect(info.signature.unbatched).toBe(true);
  });

  it.each([
    [weighted(39), {}, 'the width of input x is open', 'name its features in a card ("features")'],
    [weighted(39), { example: [1, 2] }, 'the card\'s "example" was tried', 'MatMul'],
    [embedding(3, 20), {}, 'give an instance in a card ("example"), or the "range" of its features', 'Gather'],
  ])('says what would help (%#)', async (file, card, ...words) => {
    for (const word of words) await expect(inspect(file, card)).rejects.toThrow(word);
  });

  const types: readonly OnnxType[] = ['float16', 'float64', 'int8', 'uint8', 'int16', 'uint16', 'int32', 'uint32'];
  it.each([...types, 'int64' as const, 'uint64' as const, 'bool' as const])('takes and gives %s', async type => {
    const file = model({
      nodes: [node('Cast', ['x'], ['f'], { to: 1 }), node('CastLike', ['f', 'x'], ['y'])],
      inputs: [value('x', type, [null, 2])],
      outputs: [value('y', type, [null, 2])],
    });
    const { info } = await inspect(file);
    expect(info).toMatchObject({
      maxBatchSize: 1000,
      signature: { inputs: [{ type, dims: [null, 2] }], outputs: [{ type, dims: [null, 2] }] },
    });
  });

  it('need not show that answers are random where a request asks for it: the graph does', async () => {
    const dropout = (training: Partial<Parameters<typeof model>[0]>) =>
      inspect(
        model({
          nodes: [node('Dropout', ['x', '', 'training'], ['y'])],
          inputs: [value('x', 'float32', [null, 4])],
          outputs: [value('y', 'float32', [null, 4])],
          ...training,
        }),
      );
    const asked = await dropout({ inputs: [value('x', 'float32', [null, 4]), value('training', 'bool', [])] });
    expect(asked.info).toMatchObject({ varies: true });
    expect(asked.remarks.join()).toContain('its answers are not cached');
    const never = await dropout({ nodes: [node('Dropout', ['x'], ['y'])] });
    expect(never.info).not.toHaveProperty('varies');
  });
});
