import { describe, expect, it } from 'vitest';
import { evidenceAbove } from '../../../src/evidence/binomial.ts';
import type { Counts } from '../../../src/sweep/counts.ts';
import { type EndingKind, Fold } from '../../../src/sweep/fold.ts';
import { countAbove } from '../../../src/sweep/histogram.ts';
import { Recent } from '../../../src/sweep/recent.ts';
import { Seen } from '../../../src/sweep/seen.ts';
import { type EndingParts, letterEvent, NINE, resultEvent } from '../../support/endings.ts';
import { MemoryHub } from '../../support/memory-hub.ts';

const CANARY = { rollout: 'ro_1', variant: 'candidate', version: '1.2.0', bucket: 7 } as const;

/** Folds endings in this order, and gives what was counted of each group. */
function folded(kind: EndingKind, endings: readonly ReturnType<typeof resultEvent>[], weight = 5) {
  const hub = new MemoryHub(kind);
  for (const ending of endings) hub.append(ending, NINE + 1_000);
  const fold = new Fold({ kind, seen: new Seen(), runs: new Recent(100), weightOf: () => weight });
  for (const event of hub.events) fold.add(event);
  return { fold, deltas: [...fold.deltas.values()] };
}

const results = (list: readonly Parameters<typeof resultEvent>[0][]) => folded('results', list.map(resultEvent));
const letters = (list: readonly Parameters<typeof letterEvent>[0][]) => folded('dead-letters', list.map(letterEvent));
const only = ({ deltas }: ReturnType<typeof folded>): Counts => {
  expect(deltas).toHaveLength(1);
  return deltas[0]?.counts as Counts;
};
const numbers = (many: number) => Array.from({ length: many }, (_, sequenceNumber) => sequenceNumber);

describe('folding results', () => {
  it('counts by model, version, variant, rollout and weight', () => {
    const production = { ...CANARY, variant: 'production', version: '1.1.0', bucket: 5_000 } as const;
    const { deltas } = results([
      { sequenceNumber: 1, ...CANARY },
      { sequenceNumber: 2, ...production },
      { sequenceNumber: 3, ...CANARY },
      { sequenceNumber: 4 },
    ]);
    expect(deltas.map(({ group, counts }) => [group, counts.requests])).toEqual([
      [{ model: 'churn', version: '1.2.0', variant: 'candidate', rollout: 'ro_1', weight: 5 }, 2],
      [{ model: 'churn', version: '1.1.0', variant: 'production', rollout: 'ro_1', weight: 5 }, 1],
      [{ model: 'churn', version: '1.1.0', variant: undefined, rollout: undefined, weight: undefined }, 1],
    ]);
  });

  it('counts one slice of fifty slow rows as one slow run, arms alternating: it never rolls back', () => {
    const slow = { ...CANARY, scoredAtMs: NINE + 900, modelMs: 812.5 };
    const other = {
      ...CANARY,
      variant: 'production',
      version: '1.1.0',
      bucket: 5_000,
      scoredAtMs: NINE + 901,
    } as const;
    const { deltas } = results(
      numbers(100).map(sequenceNumber => ({ sequenceNumber, ...(sequenceNumber % 2 ? other : slow) })),
    );
    const counts = deltas[0]?.counts as Counts;
    expect([counts.requests, counts.runs, countAbove(counts.modelTimes, 500)]).toEqual([50, 1, 1]);
    expect(evidenceAbove(0.05, { bad: 1, trials: counts.runs })).toBeLessThan(Math.log(80));
  });

  it('knows repeats, and the requests of one event apart', () => {
    const { fold, deltas } = results([
      { sequenceNumber: 4, part: 0 },
      { sequenceNumber: 4, part: 1 },
      { sequenceNumber: 4, part: 1 },
      { sequenceNumber: 7 },
      { sequenceNumber: 6, part: 6 },
      { sequenceNumber: 7 },
    ]);
    expect([deltas[0]?.counts.requests, fold.repeats]).toEqual([4, 2]);
  });

  it('takes what stood in for failed runs as one bad trial a run, and a pack with rows of the model’s fault as one', () => {
    const fallback = { ...CANARY, flags: { fallback: true }, scoredAtMs: NINE + 20 } as const;
    const predictions = [{ id: 'a', prediction: 1 }, null];
    const own = [{ index: 1, id: 'b', code: 'inference_failed', message: 'no' }];
    const producers = [{ index: 1, id: 'b', code: 'schema_mismatch', message: 'no' }];
    const counts = only(
      results([
        ...numbers(13).map(sequenceNumber => ({ sequenceNumber, ...fallback })),
        { sequenceNumber: 20, ...CANARY, predictions, errors: own },
        { sequenceNumber: 21, ...CANARY, predictions, errors: producers },
      ]),
    );
    expect([counts.requests, counts.errors, counts.trials, counts.bad]).toEqual([15, 14, 3, 2]);
    expect([counts.runs, counts.failedRuns, counts.fallbacks]).toEqual([2, 1, 13]);
  });

  it('counts cached answers as requests and as no runs', () => {
    const counts = only(
      results(numbers(3).map(sequenceNumber => ({ sequenceNumber, ...CANARY, flags: { cached: true } }))),
    );
    expect([counts.requests, counts.trials, counts.cached, counts.runs]).toEqual([3, 3, 3, 0]);
  });

  it('finds what was routed otherwise than the formula says', () => {
    const counts = only(
      results([
        { sequenceNumber: 1, ...CANARY, bucket: 499 },
        { sequenceNumber: 2, ...CANARY, bucket: 500 },
      ]),
    );
    expect([counts.misrouted, counts.distinctBuckets]).toEqual([1, 2]);
  });

  it('reads labels, confidences and times whatever the ids say', () => {
    const counts = only(
      results([
        {
          sequenceNumber: 1,
          requestId: 'a","model_version":"9","fallback":true',
          prediction: 'Ja, "gern"',
          confidence: 0.999,
        },
        { sequenceNumber: 2, requestId: '"timestamp":"2', prediction: 'Ja, "gern"', confidence: 1 },
        { sequenceNumber: 3, requestId: 'ü', prediction: 3, confidence: 0.02, scoredAtMs: NINE + 250 },
      ]),
    );
    expect([...counts.classes]).toEqual([
      ['"Ja, \\"gern\\""', 2],
      ['3', 1],
    ]);
    expect([counts.fallbacks, counts.confidences[19], counts.confidences[0], counts.firstAtMs]).toEqual([
      0,
      2,
      1,
      NINE,
    ]);
    expect(countAbove(counts.latencies, 200)).toBe(1);
  });

  it('leaves out what is no ending of ours', () => {
    const { fold } = folded('results', [
      {
        body: Buffer.from('{}'),
        messageId: 'a/0/1',
        correlationId: undefined,
        properties: { source_sequence_number: 1 },
      },
      { body: Buffer.from('{}'), messageId: 'x', correlationId: undefined, properties: {} as Record<string, string> },
    ]);
    expect([fold.foreign, fold.deltas.size]).toEqual([2, 0]);
  });
});

describe('folding dead letters', () => {
  const rows = (
    run: { rows: number; failed: number } | undefined,
    code = 'inference_failed',
    more: Partial<EndingParts> = {},
  ) =>
    numbers(run?.failed ?? 3).map(sequenceNumber => ({
      sequenceNumber,
      ...CANARY,
      ...more,
      code,
      ...(run && { run }),
    }));

  it('takes a run that failed whole as one bad trial and one failed run', () => {
    const counts = only(letters(rows({ rows: 13, failed: 13 })));
    expect([counts.requests, counts.errors, counts.trials, counts.bad]).toEqual([13, 13, 1, 1]);
    expect([counts.runs, counts.failedRuns]).toEqual([1, 1]);
  });

  it('takes rows that failed by themselves as bad trials each, and as no runs: those are counted by their results', () => {
    const counts = only(letters(rows({ rows: 13, failed: 2 })));
    expect([counts.trials, counts.bad, counts.runs]).toEqual([2, 2, 0]);
  });

  it('takes a model that could not be loaded as one failed run', () => {
    const counts = only(letters(rows(undefined, 'model_unavailable')));
    expect([counts.requests, counts.trials, counts.bad, counts.failedRuns]).toEqual([3, 1, 1, 1]);
  });

  it('shows faults of producers by code, and counts them as no trial', () => {
    const counts = only(letters(rows(undefined, 'schema_mismatch')));
    expect([counts.requests, counts.errors, counts.trials]).toEqual([3, 0, 0]);
    expect([...counts.deadLetters]).toEqual([['schema_mismatch', 3]]);
  });
});
