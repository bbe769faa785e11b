import type { OnnxGraph } from './onnx-graph.ts';

/** Operators that answer the same input differently each time. */
const RANDOM = new Set([
  'RandomNormal',
  'RandomNormalLike',
  'RandomUniform',
  'RandomUniformLike',
  'Multinomial',
  'Bernoulli',
]);

/** Whether a graph may answer at random where a request asks for it: the first run, whose values are made up, need not show that. */
export function mayBeRandom({ nodes, initializers }: OnnxGraph): boolean {
  const constants = new Set(nodes.filter(({ op }) => op === 'Constant').flatMap(({ outputs }) => outputs));
  return nodes.some(({ op, inputs: [, , training = ''] }) => {
    if (op !== 'Dropout') return RANDOM.has(op);
    return training !== '' && !initializers.has(training) && !constants.has(training);
  });
}
