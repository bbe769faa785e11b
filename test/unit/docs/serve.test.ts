import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { model, node, value } from '../../support/onnx.ts';

const PAGE = readFileSync(resolve(import.meta.dirname, '../../../docs/serve.md'), 'utf8');

/** Whether ONNX Runtime opens and runs a file of these opsets. */
async function runs(opset: number, ml: number): Promise<boolean> {
  const file = model({
    opset,
    domains: { 'ai.onnx.ml': ml },
    nodes: [
      node('Scaler', ['x'], ['scaled'], { offset: { floats: [1] }, scale: { floats: [2] } }, 'ai.onnx.ml'),
      node('Add', ['scaled', 'scaled'], ['y']),
    ],
    inputs: [value('x', 'float32', [null, 1])],
    outputs: [value('y', 'float32', [null, 1])],
  });
  try {
    const session = await InferenceSession.create(file, { logSeverityLevel: 4 });
    const { y } = await session.run({ x: new Tensor('float32', [3], [1, 1]) });
    return y?.data[0] === 8;
  } catch {
    return false;
  }
}

const ranges = /`ai\.onnx` opset (\d+) to (\d+), `ai\.onnx\.ml` (\d+) to (\d+)/.exec(PAGE)?.slice(1).map(Number) ?? [];

describe('opsets that the page names', () => {
  const [first = 0, last = 0, firstMl = 0, lastMl = 0] = ranges;
  it('are those that open, and the next ones are not', async () => {
    const opens: number[] = [];
    for (let opset = 1; opset <= last + 2; opset++) if (await runs(opset, firstMl)) opens.push(opset);
    expect([opens[0], opens.at(-1), opens.length]).toEqual([first, last, last - first + 1]);
  });

  it('of ai.onnx.ml likewise', async () => {
    const opens: number[] = [];
    for (let ml = 1; ml <= lastMl + 2; ml++) if (await runs(first + 1, ml)) opens.push(ml);
    expect([opens[0], opens.at(-1), opens.length]).toEqual([firstMl, lastMl, lastMl - firstMl + 1]);
  });
});
