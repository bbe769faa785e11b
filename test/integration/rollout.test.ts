import { resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type AppStack, startAppStack } from '../support/app-stack.ts';

const CANDIDATE = resolve(import.meta.dirname, '../../samples/models/diabetes/1.1.0');
/** Every run takes longer: the candidate is rolled back by its first few. */
const HOPELESS = 'latency_p95 > 0.001ms';
let stack: AppStack;

beforeAll(async () => {
  const quick = { SWEEP_SCHEDULE: '* * * * * *', ROLLOUT_LEAD_SECONDS: '3', DEPLOYMENT_CHECK_SECONDS: '1' };
  stack = await startAppStack({}, [2, 2, 2], quick);
  await stack.startHost();
});
afterAll(() => stack.stop());

async function json(...words: readonly string[]) {
  const { code, out } = await stack.hubscore(...words, '--json');
  const line = out.split('\n').find(each => each.startsWith('{'));
  if (line === undefined) throw new Error(`exit ${code}: ${out}`);
  return { code, said: JSON.parse(line) };
}

it('takes a candidate back by the evidence, and can prove afterwards what it was decided by', async () => {
  expect((await json('rollout', 'status', 'diabetes')).said).toMatchObject({ rollout: null, verdict: 'pass' });
  const pushed = await stack.hubscore('models', 'push', CANDIDATE, '--candidate');
  expect(pushed.code, pushed.out).toBe(0);
  await json('rollout', 'start', 'diabetes', '1.1.0', '--weight', '50', '--trigger', HOPELESS);
  const begun = await json('rollout', 'status', 'diabetes');
  expect(begun.code).toBe(3);
  expect(begun.said.rollout).toMatchObject({ candidate: '1.1.0', baseline: '1.0.0', weight: 50, phase: 'running' });

  let status = begun;
  for (let tries = 0; tries < 120 && status.said.rollout.phase === 'running'; tries++) {
    await stack.send(6, String(tries % 2));
    await delay(250);
    status = await json('rollout', 'status', 'diabetes');
  }
  expect(status.said).toMatchObject({
    ...{ verdict: 'fail', quarantine: { '1.1.0': expect.stringContaining(HOPELESS) } },
    rollout: { phase: 'rolled_back' },
  });
  expect(status.code).toBe(2);
  const [latency] = status.said.triggers;
  expect(latency).toMatchObject({ trigger: HOPELESS, verdict: 'fail', candidate: 1 });
  expect(status.said.arms.candidate.slow_runs).toBe(latency.bad);

  const told = await stack.hubscore('rollout', 'status', 'diabetes');
  expect(told.out).toContain('rolled back at 50 %');
  expect(told.out).toContain(`1.0.0 answers again: ${HOPELESS}; 1.1.0 is in quarantine`);
  const planned = await json('rollout', 'plan', 'diabetes', '1.0.0', '--weight', '20');
  expect(planned.said.traffic.requests_per_second).toBeGreaterThan(0);
  expect(planned.said.triggers[0].proves.trials).toBe(600);

  const { code, said } = await json('audit', 'diabetes', '--verify');
  expect(said).toMatchObject({ verified: true, faults: [], unproven: [] });
  expect(code).toBe(0);
  const taken = said.records.find((record: { readonly action: string }) => record.action === 'rollback');
  expect(taken).toMatchObject({ actor: 'hubscore', reason: { trigger: HOPELESS } });
  expect(taken.reason.s).toBeGreaterThan(2);
  expect(Object.keys(taken.cursors)).toContain('inference-requests-results/0');
}, 180_000);
