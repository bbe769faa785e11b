import { describe, expect, it } from 'vitest';
import { judgeRollouts } from '../../../src/app/judge-rollouts.ts';
import type { Rollout } from '../../../src/rollouts/document.ts';
import { applyDecision } from '../../../src/verdicts/apply.ts';
import { NINE } from '../../support/endings.ts';
import { memoryBlobs } from '../../support/memory-blobs.ts';
import { documentOf, sweptCounts } from '../../support/swept-counts.ts';

const never = new AbortController().signal;
const HOUR = 3_600_000;
const PATH = 'churn/deployment.json';
const LEAD = 15_000;

describe('a decision', () => {
  const options = { nowMs: NINE, leadMs: LEAD, cursors: {} };
  const running = documentOf();
  const of = (action: 'rollback' | 'promote' | 'hold', document = running) =>
    applyDecision(document, running.rollout as Rollout, { action, reason: { trigger: 'error_rate > 0.01' } }, options)
      ?.document;

  it('takes the candidate away for all events, into quarantine, and cools down', () => {
    const after = of('rollback');
    expect(after).toMatchObject({
      aliases: { production: '1.1.0' },
      rollout: { phase: 'rolled_back' },
      quarantine: { '1.2.0': 'ro_1 error_rate > 0.01' },
      cooldown_until: new Date(NINE + 300_000).toISOString(),
    });
    expect(after?.effective_at).toBeUndefined();
  });

  it('promotes and holds at a time to come', () => {
    const later = new Date(NINE + LEAD).toISOString();
    expect(of('promote')).toMatchObject({ aliases: { production: '1.2.0', previous: '1.1.0' }, effective_at: later });
    expect(of('hold')).toMatchObject({ rollout: { phase: 'held', held_since: new Date(NINE).toISOString() } });
  });

  it('is void for another rollout, and for one that is over; a held one is rolled back, and not promoted', () => {
    expect(of('promote', documentOf({ id: 'ro_2' }))).toBeUndefined();
    expect(of('rollback', documentOf({ candidate: '1.3.0' }))).toBeUndefined();
    for (const phase of ['rolled_back', 'promoted', 'ended'])
      for (const action of ['rollback', 'promote', 'hold'] as const)
        expect(of(action, documentOf({ phase }))).toBeUndefined();
    expect(of('promote', documentOf({ phase: 'held' }))).toBeUndefined();
    expect(of('rollback', documentOf({ phase: 'held' }))?.rollout?.phase).toBe('rolled_back');
  });
});

describe('judging rollouts', () => {
  const bad = sweptCounts([{ requests: 200, bad: 20 }], [{ requests: 4_000 }]);

  it('rolls back under the ETag, with reason and cursors for the trail, once', async () => {
    const models = memoryBlobs();
    const document = documentOf();
    models.put(PATH, document);
    const said: string[] = [];
    const log = {
      info() {},
      warn: (line: string) => void said.push(line),
      error: (line: string) => void said.push(line),
    };
    const options = { models, leadMs: LEAD, clock: () => NINE + HOUR, log };
    const both = await Promise.all(
      [1, 2].map(() => judgeRollouts(new Map([['churn', document]]), bad, true, options, never)),
    );
    expect(both.flat().filter(({ action }) => action === 'rollback')).toHaveLength(1);
    const after = JSON.parse((await models.readText(PATH, never)).text);
    expect(after.rollout.phase).toBe('rolled_back');
    expect(after.outbox.at(-1)).toMatchObject({
      ...{ action: 'rollback', actor: 'hubscore', rollout: 'ro_1', cursors: { 'inference-requests-results/0': 7 } },
      reason: { trigger: 'error_rate > 0.01', s: 20, n: 200 },
    });
    expect(said).toEqual(['churn 1.2.0: rolled back: error_rate > 0.01']);
  });

  it('goes on with other models where one cannot be written', async () => {
    const models = memoryBlobs();
    models.put(PATH, 'no JSON');
    models.put('fraud/deployment.json', documentOf());
    const said: string[] = [];
    const log = { info() {}, warn() {}, error: (line: string) => void said.push(line) };
    const documents = new Map([
      ['churn', documentOf()],
      ['fraud', documentOf()],
    ]);
    const fraud = {
      ...bad,
      groups: bad.groups.map(({ group, counts }) => ({ group: { ...group, model: 'fraud' }, counts })),
    };
    const counts = { ...bad, groups: [...bad.groups, ...fraud.groups] };
    const options = { models, leadMs: LEAD, clock: () => NINE, log };
    const acted = await judgeRollouts(documents, counts, true, options, never);
    expect(acted.map(({ model, action }) => [model, action])).toEqual([
      ['churn', undefined],
      ['fraud', 'rollback'],
    ]);
    expect(said[0]).toContain('churn: rollback of rollout ro_1 failed');
  });
});
