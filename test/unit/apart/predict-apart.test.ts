import { afterAll, describe, expect, it } from 'vitest';
import { createChildren } from '../../../src/apart/children.ts';
import { createPredictApart } from '../../../src/apart/predict-apart.ts';
import type { Asked, Given } from '../../../src/apart/protocol.ts';
import type { VersionName } from '../../../src/apart/wire-predictions.ts';
import { InputTensors } from '../../../src/core/open-inference.ts';
import type { Answered, Refused } from '../../../src/core/outcome.ts';
import type { Request } from '../../../src/core/request.ts';
import { NO_SEGMENTS } from '../../../src/core/routing.ts';
import { startChild } from '../../../src/processes/child.ts';
import { NOON, quiet } from '../../support/events.ts';
import { modelVersion } from '../../support/model-version.ts';

const script = new URL('../../support/apart-child.ts', import.meta.url);
const version = modelVersion({ inputs: ['x: float32[?,1]'] });
const losses: string[] = [];
const asked: VersionName[] = [];
const children = createChildren({
  start: () => startChild<Asked, Given>({ script, name: 'the scoring process' }),
  atMost: 1,
  readyMs: 20_000,
  idleMs: 60_000,
});
const predict = createPredictApart({
  children,
  timeMs: 20_000,
  loadMs: 0,
  growBytes: 100e6,
  loadBytes: 50e6,
  onLoss: loss => void losses.push(loss),
  async find(name) {
    asked.push(name);
    return version;
  },
  clock: () => NOON,
  log: quiet,
});
const request = (features: unknown): Request => ({
  resultId: 'http/1',
  requestId: 'r',
  model: 'echo',
  modelVersion: undefined,
  features,
  priority: 1,
  enqueuedAtMs: NOON,
  timeoutMs: 1_000,
  routingKey: 'k',
  segments: NO_SEGMENTS,
});
const { signal } = new AbortController();

describe('predicting apart', () => {
  afterAll(() => children.close());

  it('gives what the other process says, with this one’s model version', async () => {
    const data = new Float32Array([1, 2]);
    const tensors = new InputTensors([{ name: 'x', shape: [2, 1], datatype: 'FP32', data }]);
    const [first, second] = (await predict([request('a'), request(tensors)], signal)) as Answered[];
    expect(first).toMatchObject({ kind: 'answered', several: false, modelMs: 1 });
    expect(first?.version).toBe(version);
    expect(first?.predictions).toEqual([{ prediction: ['a', 'r', expect.any(String)] }]);
    expect(second?.predictions).toEqual([{ prediction: [[data], 'r', expect.any(String)] }]);
    expect(asked[0]).toEqual({ name: 'echo', version: '1.0.0', label: '1.0.0+ab' });
  });

  it('gives a refusal as the error that it is', async () => {
    const [ending] = (await predict([request('refuse')], signal)) as Refused[];
    expect(ending).toMatchObject({ kind: 'refused', version, failedAtMs: 1 });
    expect(ending?.error).toMatchObject({ name: 'RequestError', code: 'schema_mismatch', message: 'no' });
  });

  it('refuses what took two processes with it, and answers its neighbours', async () => {
    const endings = await predict([request('a'), request('crash'), request('b')], signal);
    expect(endings.map(({ kind }) => kind)).toEqual(['answered', 'refused', 'answered']);
    expect((endings[1] as Refused).error).toMatchObject({
      code: 'inference_failed',
      message: 'scored alone it took the process with it, twice: the scoring process was ended by SIGSEGV',
    });
    expect(losses).toEqual(['died', 'died']);
  });

  it('ends the process where nobody waits any more', async () => {
    const late = AbortSignal.timeout(200);
    await expect(predict([request('wait')], late)).rejects.toMatchObject({ name: 'TimeoutError' });
    expect(losses).toHaveLength(2);
  });
});
