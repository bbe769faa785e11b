import { describe, expect, it } from 'vitest';
import { answersOf } from '../../../src/backends/onnx/answers.ts';
import { readGraph } from '../../../src/backends/onnx/onnx-graph.ts';
import { encodeField } from '../../../src/backends/onnx/protobuf.ts';
import { model, node, tensor, value } from '../../support/onnx.ts';

/** y = x + b; `seen` and `kept` hand inputs on, `fixed` depends on none. */
const table = model({
  nodes: [
    node('Identity', ['target'], ['target_']),
    node('Cast', ['target_'], ['seen'], { to: 7 }),
    node('Identity', ['x'], ['kept']),
    node('Identity', ['b'], ['fixed']),
    node('Add', ['x', 'b'], ['sum']),
    node('Identity', ['sum'], ['y']),
  ],
  inputs: [value('x', 'float32', [null, 1]), value('target', 'float32', [null, 1]), value('b', 'float32', [1])],
  outputs: [
    value('seen', 'int64', [null, 1]),
    value('kept', 'float32', [null, 1]),
    value('fixed', 'float32', [1]),
    value('y', 'float32', [null, 1]),
  ],
  initializers: [tensor('b', [1], Float32Array.of(1))],
});

const found = (file: Uint8Array, card = {}) => {
  const { outputs, unneeded } = answersOf(readGraph(file), card);
  return { outputs, unneeded };
};

describe('the answers of a graph', () => {
  it('are the outputs that are made of inputs, not those that hand one on', () => {
    expect(found(table)).toEqual({ outputs: ['y'], unneeded: ['target'] });
  });

  it('are also what the card names, and an input stays that a feature of the card fills', () => {
    expect(found(table, { outputs: { label: 'seen' } })).toEqual({ outputs: ['seen', 'y'], unneeded: [] });
    expect(found(table, { features: [{ name: 'x' }, { name: 'other', input: 'target' }] }).unneeded).toEqual([]);
  });

  it('are all outputs where none is made of anything', () => {
    const echo = model({
      nodes: [node('Identity', ['x'], ['y'])],
      inputs: [value('x', 'float32', [null, 1])],
      outputs: [value('y', 'float32', [null, 1])],
    });
    expect(found(echo)).toEqual({ outputs: ['y'], unneeded: [] });
  });

  it('are made of what a branch takes from around it, too', () => {
    const branch = Buffer.concat([
      encodeField(1, node('Identity', ['hidden'], ['chosen'])),
      encodeField(2, 'branch'),
      encodeField(12, value('chosen', 'float32', [null, 1])),
    ]);
    const attribute = (name: string) => encodeField(5, Buffer.concat([encodeField(1, name), encodeField(6, branch)]));
    const choice = Buffer.concat([node('If', ['on'], ['y']), attribute('then_branch'), attribute('else_branch')]);
    const branching = model({
      nodes: [node('Neg', ['x'], ['hidden']), choice],
      inputs: [value('on', 'bool', []), value('x', 'float32', [null, 1]), value('idle', 'float32', [null, 1])],
      outputs: [value('y', 'float32', [null, 1])],
    });
    expect(found(branching)).toEqual({ outputs: ['y'], unneeded: ['idle'] });
  });
});
