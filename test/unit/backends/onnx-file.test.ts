import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { readOnnxFile } from '../../../src/backends/onnx/onnx-file.ts';
import { openSession } from '../../../src/backends/onnx/session.ts';
import { floats, temporaryFolder } from '../../support/models.ts';
import { classifier, model, node, regressor, tensor, value } from '../../support/onnx.ts';

const folder = temporaryFolder();
afterAll(() => folder.remove());
const FIXTURES = join(import.meta.dirname, '../../fixtures/models');
const SAMPLES = join(import.meta.dirname, '../../../samples/models');

let written = 0;
function write(file: Uint8Array): string {
  const path = join(folder.path, `${written++}.onnx`);
  writeFileSync(path, file);
  return path;
}

describe('an ONNX file', () => {
  it('says who made it, and for which opsets', async () => {
    const { producer, opsets } = await readOnnxFile(write(classifier()));
    expect(producer).toBe('hand-made');
    expect(Object.fromEntries(opsets)).toEqual({ 'ai.onnx': 17, 'ai.onnx.ml': 1 });
  });

  it.each([
    ['a linear model', classifier({ zipMap: false }), [10, 20]],
    ['a ZipMap', classifier({ zipMap: true }), [10, 20]],
    ['a classifier of texts', classifier({ zipMap: false, classes: ['no', 'yes'] }), ['no', 'yes']],
    ['a regressor', regressor([1, 2]), undefined],
    ['negative labels', classifier({ zipMap: false, classes: [-1, 1] }), [-1, 1]],
  ])('has class labels: %s', async (_, file, classes) => {
    expect((await readOnnxFile(write(file))).classes).toEqual(classes);
  });

  it('has class labels in the table that an argmax picks from', async () => {
    const network = model({
      nodes: [
        node('Softmax', ['x'], ['probabilities']),
        node('ArgMax', ['probabilities'], ['best'], { axis: 1 }),
        node('ArrayFeatureExtractor', ['classes', 'best'], ['picked'], {}, 'ai.onnx.ml'),
        node('Cast', ['picked'], ['label'], { to: 7 }),
      ],
      inputs: [value('x', 'float32', [null, 3])],
      outputs: [value('label', 'int64', [null]), value('probabilities', 'float32', [null, 3])],
      initializers: [tensor('classes', [3], [4, 5, 6])],
    });
    expect((await readOnnxFile(write(network))).classes).toEqual([4, 5, 6]);
  });

  it('has none where its heads disagree', async () => {
    const head = (label: string, classes: number[]) =>
      node(
        'LinearClassifier',
        ['x'],
        [label, `${label}_p`],
        { classlabels_ints: classes, coefficients: { floats: [1, 2] } },
        'ai.onnx.ml',
      );
    const heads = model({
      nodes: [head('a', [0, 1]), head('b', [7, 8])],
      inputs: [value('x', 'float32', [null, 1])],
      outputs: [value('a', 'int64', [null]), value('b', 'int64', [null])],
    });
    expect((await readOnnxFile(write(heads))).classes).toBeUndefined();
  });

  it.each([
    [join(SAMPLES, 'churn/1.0.0'), ['No', 'Yes']],
    [join(SAMPLES, 'topic/1.0.0'), ['account', 'billing', 'sales', 'shipping', 'technical']],
    [join(FIXTURES, 'iris-fixed-batch/1.0.0'), ['setosa', 'versicolor', 'virginica']],
    [join(FIXTURES, 'survey-int64/1.0.0'), [0, 1, 2]],
    [join(FIXTURES, 'house-price/1.0.0'), undefined],
  ])('made by scikit-learn has its classes: %s', async (path, classes) => {
    expect((await readOnnxFile(join(path, 'model.onnx'))).classes).toEqual(classes);
  });

  it('gives its probabilities as a tensor where it had a ZipMap', async () => {
    const { rewritten } = await readOnnxFile(write(classifier({ zipMap: true })));
    const before = await openSession(write(classifier({ zipMap: false })));
    const after = await openSession(write(rewritten!));
    expect(after.signature.opaqueOutputs).toEqual([]);
    expect(after.signature.outputs.map(({ name }) => name)).toEqual(['label', 'probabilities']);
    const features = floats([3, 2], 1, 2, -1, 0.5, 0, 0);
    expect(await after.run({ features })).toEqual(await before.run({ features }));
    await Promise.all([before.release(), after.release()]);
  });

  it('is left alone where it has no ZipMap, or one that is no output', async () => {
    expect((await readOnnxFile(write(regressor([1])))).rewritten).toBeUndefined();
  });

  it('made by scikit-learn with a ZipMap gives probabilities', async () => {
    const { rewritten, classes } = await readOnnxFile(join(FIXTURES, 'diabetes-zipmap/1.0.0/model.onnx'));
    expect(classes).toEqual([0, 1]);
    const session = await openSession(write(rewritten!));
    const outputs = await session.run({ features: { type: 'float32', dims: [1, 10], data: new Float32Array(10) } });
    const [no, yes] = outputs.output_probability!.data as Float32Array;
    expect(no! + yes!).toBeCloseTo(1, 6);
    await session.release();
  });

  it('tells nothing where it is none, and never hangs or crashes', async () => {
    expect(await readOnnxFile(write(Buffer.from('hello')))).toMatchObject({ classes: undefined, rewritten: undefined });
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 30 }), fc.nat(), async (noise, nat) => {
        const file = Buffer.from(classifier());
        const at = nat % (file.length - noise.length);
        file.set(noise, at);
        expect(await readOnnxFile(write(file))).toHaveProperty('opsets');
      }),
      { numRuns: 200 },
    );
  });
});
