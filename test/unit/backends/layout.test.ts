import { describe, expect, it } from 'vitest';
import { layoutsOf } from '../../../src/backends/onnx/layout.ts';
import type { TensorSpec } from '../../../src/core/tensor.ts';

/** Dimensions of one input: numbers, names, or '' for one that is open and has none. */
function layouts(...inputs: readonly (readonly (number | string)[])[]) {
  const specs = inputs.map(
    (dims, i): TensorSpec => ({
      name: 'abc'[i] as string,
      type: 'float32',
      dims: dims.map(size => (typeof size === 'number' ? size : null)),
      symbols: dims.map(size => (typeof size === 'number' ? '' : size)),
    }),
  );
  return layoutsOf({ inputs: specs, outputs: [], opaqueOutputs: [] }).map(({ unbatched, axes }) =>
    unbatched ? 'unbatched' : Object.values(axes).map(axis => axis ?? 'scalar'),
  );
}

describe('the batch', () => {
  it.each([
    ['comes first where every first dimension is open', [['N', 3], ['N']], [[0, 0]]],
    ['is fixed where all are as long', [[4, 3], [4]], [[0, 0], 'unbatched']],
    ['of one image is the first, whatever else is open', [[1, 3, 'h', 'w']], [[0]]],
    ['is the dimension that says so', [[2, 'batch_size', 3]], [[1]]],
    [
      'is the one that all inputs name alike',
      [
        ['n', 1],
        [2, 'n', 128],
      ],
      [[0, 1], 'unbatched'],
    ],
    [
      'is the first open one where none has a name',
      [
        ['', 1],
        [2, '', 128],
      ],
      [[0, 1], [0, 0], 'unbatched'],
    ],
    [
      'is one where a single row stands beside it',
      [
        ['n', 'l'],
        [1, 'l'],
      ],
      [[0, 0], 'unbatched'],
    ],
    ['leaves scalars out', [['N', 2], []], [[0, 'scalar']]],
    ['is not there where lengths differ', [[3, 4, 5], [5]], ['unbatched']],
    ['is not there beside nothing but scalars', [[], []], ['unbatched']],
  ] as const)('%s', (_, inputs, expected) => {
    expect(layouts(...inputs)).toEqual(expected);
  });
});
