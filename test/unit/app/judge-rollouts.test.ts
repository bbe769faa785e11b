import { describe, expect, it } from 'vitest';
import { judgeRollouts } from '../../../src/app/judge-rollouts.ts';
import { NINE } from '../../support/endings.ts';
import { memoryBlobs } from '../../support/memory-blobs.ts';
import { documentOf, sweptCounts } from '../../support/swept-counts.ts';

const never = new AbortController().signal;
const HOUR = 3_600_000;
const PATH = 'churn/deployment.json';
const LEAD = 15_000;

describe('judging rollouts', () => {
  const bad = sweptCounts([{ requests: 200, bad: 20 }], [{ requests: 4_000 }]);

  it('rolls back under the ETag, with reason and cursors for the trail, once', async () => {
    const models = memoryBlobs();
    const audit = memoryBlobs();
    const document = documentOf();
    models.put(PATH, document);
    const said: string[] = [];
    const log = {
      info() {},
      warn: (line: string) => void said.push(line),
      error: (line: string) => void said.push(line),
    };
    const options = { models, audit, leadMs: LEAD, clock: () => NINE + HOUR, log };
    const both = await Promise.all(
      [1, 2].map(() => judgeRollouts(new Map([['churn', document]]), bad, true, options, never)),
    );
    expect(both.flat().filter(({ action }) => action === 'rollback')).toHaveLength(1);
    const after = JSON.parse((await models.readText(PATH, never)).text);
    expect(after.rollout.phase).toBe('rolled_back');
    expect(after.outbox).toEqual([]);
    const [path] = (await audit.list('churn/', never)).map(each => each.path);
    const trail = (await audit.readText(path as string, never)).text.trimEnd().split('\n');
    expect(JSON.parse(trail.at(-1) as string)).toMatchObject({
      ...{ action: 'rollback', actor: 'hubscore', rollout: 'ro_1', cursors: { 'inference-requests-results/0': 7 } },
      reason: { trigger: 'error_rate > 0.01', s: 20, n: 200 },
    });
    expect(said).toEqual(['churn 1.2.0: rolled back (rollout ro_1): error_rate > 0.01']);
  });

  it('says where it fails in the trail and in the document, and rolls back where that cannot be told', async () => {
    for (const blame of [
      async () => ['Contract = Two year: 41 of 41 bad, 0 of 159 elsewhere'],
      () => Promise.reject(new Error('away')),
    ]) {
      const [models, audit] = [memoryBlobs(), memoryBlobs()];
      models.put(PATH, documentOf());
      const log = { info() {}, warn() {}, error() {} };
      const options = { models, audit, leadMs: LEAD, clock: () => NINE + HOUR, log, blame };
      const [acted] = await judgeRollouts(new Map([['churn', documentOf()]]), bad, true, options, never);
      expect(acted?.action).toBe('rollback');
      const found = await blame().catch(() => undefined);
      const after = JSON.parse((await models.readText(PATH, never)).text);
      expect(after.rollout.blame).toEqual(found);
      const trail = (await audit.readText('churn/2026-11.ndjson', never)).text.trimEnd().split('\n');
      expect(JSON.parse(trail.at(-1) as string).reason.blame).toEqual(found);
    }
  });

  it('ends an A/B comparison with what it found; production stays', async () => {
    const models = memoryBlobs();
    const document = documentOf({ kind: 'ab', weight: 50, duration: '30m' });
    models.put(PATH, document);
    const half = { weight: 50, requests: 4_000, labels: 2_000 };
    const counts = sweptCounts([{ ...half, right: 1_800 }], [{ ...half, right: 1_600 }]);
    const said: string[] = [];
    const say = (line: string) => void said.push(line);
    const log = { info: say, warn: say, error: say };
    const options = { models, audit: memoryBlobs(), leadMs: LEAD, clock: () => NINE + HOUR, log };
    const [acted] = await judgeRollouts(new Map([['churn', document]]), counts, true, options, never);
    expect(acted?.action).toBe('end');
    const after = JSON.parse((await models.readText(PATH, never)).text);
    expect(after.rollout).toMatchObject({ phase: 'ended', reason: expect.stringContaining('1.2.0 is the better one') });
    expect(after.aliases).toEqual({ production: '1.1.0' });
    expect(said).toHaveLength(1);
    expect(said[0]).toContain('churn 1.2.0: ended (rollout ro_1): 1.2.0 is the better one at α 0.05');
  });

  it('goes on with other models where one cannot be written', async () => {
    const models = memoryBlobs();
    const audit = memoryBlobs();
    models.put(PATH, 'no JSON');
    models.put('fraud/deployment.json', documentOf());
    const said: string[] = [];
    const say = (line: string) => void said.push(line);
    const log = { info: say, warn() {}, error: say };
    const documents = new Map([
      ['churn', documentOf()],
      ['fraud', documentOf()],
    ]);
    const fraud = {
      ...bad,
      groups: bad.groups.map(({ group, counts }) => ({ group: { ...group, model: 'fraud' }, counts })),
    };
    const counts = { ...bad, groups: [...bad.groups, ...fraud.groups] };
    const options = { models, audit, leadMs: LEAD, clock: () => NINE, log };
    const acted = await judgeRollouts(documents, counts, true, options, never);
    expect(acted.map(({ model, action }) => [model, action])).toEqual([
      ['churn', undefined],
      ['fraud', 'rollback'],
    ]);
    expect(said[0]).toContain('churn: no rollback of rollout ro_1');
  });
});
