import { describe, expect, it } from 'vitest';
import type { AuditRecord } from '../../../src/rollouts/audit-record.ts';
import { recount } from '../../../src/sweep/recount.ts';
import { proveReason } from '../../../src/verdicts/prove-reason.ts';
import { appendEndings, letterEvent, NINE, resultEvent } from '../../support/endings.ts';
import { MemoryHub, memoryReader } from '../../support/memory-hub.ts';

const never = new AbortController().signal;
const CANARY = { rollout: 'ro_1', variant: 'candidate', version: '1.2.0', bucket: 7 } as const;

function world() {
  const results = new MemoryHub('results');
  const letters = new MemoryHub('letters');
  const numbers = Array.from({ length: 30 }, (_, i) => i);
  appendEndings(
    results,
    numbers.map(i => resultEvent({ sequenceNumber: i, ...CANARY, scoredAtMs: NINE + i })),
  );
  appendEndings(results, [resultEvent({ sequenceNumber: 3, ...CANARY })]); // again
  appendEndings(
    letters,
    [30, 31, 32].map(i => letterEvent({ sequenceNumber: i, ...CANARY, code: 'inference_failed' })),
  );
  const recountAll = (cursors: Readonly<Record<string, number>>) =>
    Promise.all([
      recount(
        memoryReader(results, () => {}),
        'results',
        '0',
        cursors['results/0'] ?? -1,
        never,
      ),
      recount(
        memoryReader(letters, () => {}),
        'dead-letters',
        '0',
        cursors['letters/0'] ?? -1,
        never,
      ),
    ]);
  const prove = (reason: AuditRecord['reason'], cursors = { 'results/0': 30, 'letters/0': 2 }) => {
    const record = {
      revision: 7,
      at: '',
      actor: 'hubscore',
      action: 'rollback',
      from: null,
      to: null,
      rollout: 'ro_1',
      reason,
      cursors,
    };
    return proveReason({ ...record, document_sha256: '', previous_sha256: null }, 'churn', NINE, recountAll);
  };
  return { results, prove };
}

describe('the counts that a decision was made by', () => {
  it('are those in the hubs up to the same events', async () => {
    const { prove } = world();
    expect(await prove({ trigger: 'error_rate > 0.01', s: 3, n: 33 })).toEqual({ kind: 'proven' });
    expect(await prove({ trigger: 'failed_runs > 0.01', s: 0, n: 30 })).toEqual({ kind: 'proven' });
    expect(await prove({ trigger: 'error_rate > 0.01', s: 1, n: 11 }, { 'results/0': 9, 'letters/0': 0 })).toEqual({
      kind: 'proven',
    });
  });

  it('are a fault where the hubs say something else', async () => {
    const proof = await world().prove({ trigger: 'error_rate > 0.01', s: 4, n: 33 });
    expect(proof).toMatchObject({ kind: 'fault', words: expect.stringContaining('3 of 33') });
  });

  it('cannot be proven once events have expired, nor by labels', async () => {
    const { results, prove } = world();
    expect(await prove({ trigger: 'accuracy_drop > 0.05', s: 4, n: 33 })).toMatchObject({ kind: 'unproven' });
    results.expire(5);
    expect(await prove({ trigger: 'error_rate > 0.01', s: 3, n: 33 })).toMatchObject({ kind: 'unproven' });
    expect(await prove({ text: 'by hand' })).toBeUndefined();
  });
});
