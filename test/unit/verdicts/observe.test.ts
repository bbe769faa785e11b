import { describe, expect, it } from 'vitest';
import type { TriggerMetric } from '../../../src/rollouts/triggers.ts';
import { findBlame } from '../../../src/verdicts/blame.ts';
import { observe } from '../../../src/verdicts/observe.ts';
import { letterEvent, NINE, resultEvent } from '../../support/endings.ts';
import { MemoryHub, memoryReader } from '../../support/memory-hub.ts';

const never = new AbortController().signal;
const CONTRACTS = ['Month-to-month', 'One year', 'Two year'];
const arm = { variant: 'candidate', rollout: 'ro_1', version: '1.2.0' } as const;

function world() {
  const [requests, results, letters] = [new MemoryHub('requests'), new MemoryHub('results'), new MemoryHub('letters')];
  const read = (hub: MemoryHub) => memoryReader(hub, () => {});
  const hubs = { requests: read(requests), results: read(results), deadLetters: read(letters) };
  const ask = (features: object) => {
    const body = Buffer.from(JSON.stringify(features));
    requests.append({ body, messageId: undefined, correlationId: undefined, properties: {} }, NINE);
    return requests.next - 1;
  };
  const observed = (metric: TriggerMetric, limit = 0.01) =>
    observe(
      {
        ...{ hubs, model: 'churn', rollout: { id: 'ro_1' }, atMost: 1_000 },
        watched: { metric, limit, share: undefined },
        read: async ({ body }) => [{ features: JSON.parse(body.toString()), segments: [] }],
      },
      never,
    );
  return { ask, results, letters, observed };
}

describe('the trials of a candidate', () => {
  it('are held against what was asked: a planted fault is named', async () => {
    const { ask, results, letters, observed } = world();
    for (let i = 0; i < 120; i++) {
      const sequenceNumber = ask({ Contract: CONTRACTS[i % 3], tenure: i % 7 });
      const ours = { sequenceNumber, bucket: i * 4, ...arm };
      if (i % 2 === 0) results.append(resultEvent({ sequenceNumber, rollout: 'ro_1', variant: 'production' }), NINE);
      else if (i % 3 === 2) {
        // Runs of 13 rows of which one fails.
        letters.append(letterEvent({ ...ours, code: 'inference_failed', run: { rows: 13, failed: 1 } }), NINE);
      } else results.append(resultEvent(ours), NINE);
    }
    const observations = await observed('error_rate');
    expect(observations).toHaveLength(60);
    expect(findBlame(observations).map(({ name, bad, trials }) => [name, bad, trials])).toEqual([
      ['Contract = Two year', 20, 20],
    ]);
  });
  it('are one for a run that failed whole, and none for what a producer did', async () => {
    const { ask, letters, observed } = world();
    for (let i = 0; i < 12; i++) {
      const ours = { sequenceNumber: ask({ i }), ...arm };
      letters.append(letterEvent({ ...ours, code: 'inference_failed', run: { rows: 12, failed: 12 } }), NINE);
    }
    letters.append(letterEvent({ sequenceNumber: ask({}), ...arm, code: 'schema_mismatch' }), NINE);
    expect(await observed('error_rate')).toEqual([{ features: { i: 0 }, segments: [], bucket: 0, isBad: true }]);
    expect(await observed('failed_runs')).toHaveLength(1);
  });
  it('are runs where it is about time', async () => {
    const { ask, results, observed } = world();
    for (let i = 0; i < 12; i++) {
      const [run, slow] = [Math.floor(i / 3), i >= 6];
      results.append(
        resultEvent({ sequenceNumber: ask({ i }), ...arm, scoredAtMs: NINE + run, modelMs: slow ? 900 : 2 }),
        NINE,
      );
    }
    const found = await observed('latency', 500);
    expect(found.map(({ features, isBad }) => [features.i, isBad])).toEqual([
      ...[
        [0, false],
        [3, false],
        [6, true],
        [9, true],
      ],
    ]);
  });
  it('are looked at as far as requests are still there', async () => {
    const { ask, results, observed } = world();
    for (let i = 0; i < 5; i++) results.append(resultEvent({ sequenceNumber: ask({ i }) + 3, ...arm }), NINE);
    expect(await observed('error_rate')).toHaveLength(2);
  });
});
