import { describe, expect, it } from 'vitest';
import { readGraph } from '../../../src/backends/onnx/onnx-graph.ts';
import { unboundedOperator } from '../../../src/backends/onnx/unbounded.ts';
import {
  classifier,
  eating,
  graph,
  heavy,
  looping,
  model,
  node,
  regressor,
  tensor,
  value,
} from '../../support/onnx.ts';

const found = (file: Buffer) => unboundedOperator(readGraph(file));
const io = { inputs: [value('x', 'float32', [null, 1])], outputs: [value('y', 'float32', [null, 1])] };

describe('what an input can keep at work for ever', () => {
  it('is a loop, and a size that is read from values', () => {
    expect(found(looping())).toBe('Loop');
    expect(found(eating())).toBe('ConstantOfShape');
  });

  it('is found in the branch of an If', () => {
    const branch = graph({
      nodes: [node('Cast', ['x'], ['n'], { to: 7 }), node('Tile', ['x', 'n'], ['out'])],
      inputs: [],
      outputs: [value('out', 'float32', [null, 1])],
    });
    const file = model({
      nodes: [node('If', ['flag'], ['y'], { then_branch: { graph: branch }, else_branch: { graph: branch } })],
      initializers: [tensor('flag', [], [1])],
      ...io,
    });
    expect(found(file)).toBe('Tile');
  });

  it('is no ordinary model, nor a size that the file or a shape gives', () => {
    for (const file of [regressor([1, 2]), classifier(), heavy()]) expect(found(file)).toBeUndefined();
    const ofShape = model({
      nodes: [
        node('Shape', ['x'], ['shape']),
        node('ConstantOfShape', ['shape'], ['zeros']),
        node('Add', ['x', 'zeros'], ['y']),
      ],
      ...io,
    });
    expect(found(ofShape)).toBeUndefined();
  });
});
