import { describe, expect, it } from 'vitest';
import { changeDocument, type Decide } from '../../../src/rollouts/change.ts';
import { choose, routingStates } from '../../../src/rollouts/choose.ts';
import {
  block,
  hold,
  type Moment,
  promote,
  resume,
  reweigh,
  rollback,
  unblock,
} from '../../../src/rollouts/decisions.ts';
import { type DeploymentDocument, parseDocument } from '../../../src/rollouts/document.ts';
import { weightAt } from '../../../src/rollouts/ramp.ts';
import { parseRamp, type StartRequest, start } from '../../../src/rollouts/start.ts';
import { memoryBlobs } from '../../support/memory-blobs.ts';
import { HOUR, T0 } from '../../support/rollouts.ts';

const LEAD = 15_000;
const goes = 'customer-7'; // bucket 2080 of ro_7Q2
const asked = (more: Partial<StartRequest> = {}): StartRequest => ({
  id: 'ro_7Q2',
  candidate: '1.2.0',
  kind: 'canary',
  triggers: [],
  segments: [],
  force: false,
  ...more,
});

/** A document that decisions are written to, one after the other, with storage's clock. */
function world(document: object = { aliases: { production: '1.1.0' } }) {
  const store = memoryBlobs();
  const path = 'm/deployment.json';
  const signal = AbortSignal.timeout(60_000);
  store.put(path, document);
  const self = {
    nowMs: T0,
    async act(decide: (before: DeploymentDocument, moment: Moment) => ReturnType<Decide>): Promise<DeploymentDocument> {
      const clock = () => self.nowMs;
      await changeDocument({ store, path, actor: 'ann', clock, signal }, (before, nowMs) =>
        decide(before, { nowMs, leadMs: LEAD }),
      );
      return parseDocument((await store.readText(path, signal)).text, path);
    },
    start: (more: Partial<StartRequest> = {}) => self.act((before, moment) => start(before, asked(more), moment)),
  };
  return self;
}

const arm = (document: DeploymentDocument, key: string, atMs: number) => {
  const { state, variant } = choose(routingStates(document), key, [], atMs);
  const { rollout, aliases } = state;
  return [variant, variant === 'candidate' ? rollout?.candidate : (rollout?.baseline ?? aliases.get('production'))];
};

describe('start', () => {
  it('announces a canary of 5 % for a day with four triggers', async () => {
    const { rollout, aliases } = await world().start();
    expect(rollout).toMatchObject({
      kind: 'canary',
      phase: 'running',
      candidate: '1.2.0',
      baseline: '1.1.0',
      weight: 5,
      duration: '24h',
      on_undecided: 'hold',
      alpha: 0.05,
    });
    expect(rollout?.triggers.map(({ when }) => when)).toEqual([
      'error_rate > 0.01',
      'latency_p95 > 500ms',
      'accuracy_drop > 0.05',
      'failed_runs > 0.01',
    ]);
    expect(Date.parse(rollout?.effective_at ?? '')).toBe(T0 + LEAD);
    expect(aliases).toEqual({ production: '1.1.0' });
  });

  it('cuts a blue-green one at one moment', async () => {
    const document = await world().start({ kind: 'blue_green' });
    expect(document.aliases).toEqual({ production: '1.2.0', previous: '1.1.0' });
    expect(document.rollout).toMatchObject({ weight: 100, duration: '1h', on_undecided: 'promote' });
    expect(arm(document, goes, T0 + LEAD - 1)).toEqual([undefined, '1.1.0']);
    expect(arm(document, goes, T0 + LEAD)).toEqual(['candidate', '1.2.0']);
  });

  it('ramps segments by ten per cent a week', async () => {
    const { rollout } = await world().start({ kind: 'segments', segments: ['beta'] });
    expect(rollout).toMatchObject({ segments: ['beta'], weight: 10, ramp: { start: 10, step: 10, every: '7d' } });
    expect(parseRamp('5+2.5/12h')).toEqual({ start: 5, step: 2.5, every: '12h' });
    expect(() => parseRamp('5+/12h')).toThrow('expected such as 10+10/7d');
  });

  it.each([
    [{}, { candidate: '1.1.0' }, '1.1.0 is production already'],
    [{ quarantine: { '1.2.0': 'ro_1 error_rate' } }, {}, '1.2.0 is in quarantine (ro_1 error_rate); --force'],
    [{}, { weight: 0 }, 'weight 0: expected more than 0'],
    [{}, { weight: 101 }, 'weight 101: expected'],
    [{}, { kind: 'segments' as const }, 'needs --segment'],
    [{}, { kind: 'blue_green' as const, weight: 50 }, 'takes all traffic at once'],
    [{}, { duration: '1 day' }, 'duration "1 day": expected'],
    [{ aliases: {} }, {}, 'pin it first'],
  ])('refuses, of %j, %j', async (there, more, words) => {
    await expect(world({ aliases: { production: '1.1.0' }, ...there }).start(more)).rejects.toThrow(words);
  });

  it('refuses a second one, and takes a version out of quarantine by force', async () => {
    const one = world();
    await one.start();
    await expect(one.start({ id: 'ro_2', candidate: '1.3.0' })).rejects.toThrow('rollout ro_7Q2 of 1.2.0 is running');
    const document = await one.act(rollback);
    expect(document.quarantine).toEqual({ '1.2.0': 'ro_7Q2 taken back by hand' });
    expect(Date.parse(document.cooldown_until ?? '')).toBe(T0 + 300_000);
    await expect(one.start({ id: 'ro_2' })).rejects.toThrow('in quarantine');
    const forced = await one.start({ id: 'ro_2', force: true });
    expect([forced.quarantine, forced.cooldown_until]).toEqual([{}, undefined]);
  });
});

describe('a rollback', () => {
  it('voids the candidate for events of whatever time', async () => {
    const one = world();
    await one.start({ weight: 50 });
    one.nowMs += HOUR;
    const document = await one.act(rollback);
    for (const at of [T0, T0 + LEAD, T0 + HOUR, T0 + 2 * HOUR])
      expect(arm(document, goes, at)).toEqual([undefined, '1.1.0']);
  });

  it('of a blue-green one gives production back', async () => {
    const one = world();
    await one.start({ kind: 'blue_green' });
    expect((await one.act(rollback)).aliases).toEqual({ production: '1.1.0' });
  });

  it('returns to the version before within a day of a promotion, and not later', async () => {
    const one = world();
    await one.start();
    one.nowMs += HOUR;
    const promoted = await one.act(promote);
    expect(promoted.aliases).toEqual({ production: '1.2.0', previous: '1.1.0' });
    expect(arm(promoted, goes, one.nowMs + LEAD - 1)[1]).toBe('1.1.0');
    expect(arm(promoted, goes, one.nowMs + LEAD)).toEqual([undefined, '1.2.0']);
    one.nowMs += 24 * HOUR + 1;
    await expect(one.act(rollback)).rejects.toThrow('more than 24 h ago');
    one.nowMs -= HOUR;
    const back = await one.act(rollback);
    expect([back.aliases, back.rollout?.phase]).toEqual([{ production: '1.1.0' }, 'rolled_back']);
    expect(arm(back, goes, one.nowMs)).toEqual([undefined, '1.1.0']);
  });

  it('has one winner against a promotion', async () => {
    const one = world();
    await one.start();
    await one.act((before, moment) => rollback(before, moment, {}, 'ro_7Q2'));
    await expect(one.act((before, moment) => promote(before, moment, {}, 'ro_7Q2'))).rejects.toThrow(
      'no rollout is running; ro_7Q2 is rolled back',
    );
    await expect(one.act(rollback)).rejects.toThrow('none was promoted');
  });

  it('by itself is of the rollout that it is meant for', async () => {
    const one = world();
    await one.start();
    await expect(one.act((before, moment) => rollback(before, moment, {}, 'ro_1'))).rejects.toThrow(
      'another rollout than ro_1',
    );
  });
});

describe('hold and resume', () => {
  it('freeze the share reached, and go on from there', async () => {
    const one = world();
    await one.start({ ramp: parseRamp('10+10/1h') });
    one.nowMs = T0 + LEAD + 1.5 * HOUR;
    const held = await one.act(hold);
    expect(held.rollout?.phase).toBe('held');
    await expect(one.act((before, moment) => promote(before, moment, {}, 'ro_7Q2'))).rejects.toThrow('ro_7Q2 is held');
    const at = (document: DeploymentDocument, ms: number) =>
      weightAt(document.rollout as NonNullable<typeof held.rollout>, ms);
    expect(at(held, T0 + 50 * HOUR)).toBe(20);
    one.nowMs += 10 * HOUR;
    const resumed = await one.act(resume);
    expect([0, 0.4, 0.6, 1.6].map(hours => at(resumed, one.nowMs + LEAD + hours * HOUR))).toEqual([20, 20, 30, 40]);
    await expect(one.act(resume)).rejects.toThrow('ro_7Q2 is running');
  });
});

describe('another weight', () => {
  it('takes effect with the lead, and ends the ramp', async () => {
    const one = world();
    await one.start({ weight: 5 });
    one.nowMs += HOUR;
    const document = await one.act((before, moment) => reweigh(before, moment, 60));
    expect(arm(document, goes, one.nowMs + LEAD - 1)[0]).toBe('production');
    expect(arm(document, goes, one.nowMs + LEAD)[0]).toBe('candidate');
    await expect(one.act((before, moment) => reweigh(before, moment, 160))).rejects.toThrow('weight 160');
  });

  it('does not grow while it cools down', async () => {
    const one = world();
    await one.start();
    await one.act(rollback);
    await one.start({ candidate: '1.3.0' });
    await expect(one.act((before, moment) => reweigh(before, moment, 60))).rejects.toThrow('no share grows until');
    await expect(one.act((before, moment) => promote(before, moment, {}, 'ro_7Q2'))).rejects.toThrow(
      'nothing is promoted by itself',
    );
    expect((await one.act((before, moment) => reweigh(before, moment, 60, true))).rollout?.weight).toBe(60);
  });
});

describe('blocking', () => {
  it('takes the traffic of a candidate away, and of production where there is a version before', async () => {
    const one = world({ aliases: { production: '1.1.0', previous: '1.0.0' } });
    await one.start();
    const words = (version: string) => one.act((before, moment) => block(before, version, moment, 'leaks'));
    const blocked = await words('1.2.0');
    expect([blocked.rollout?.phase, blocked.quarantine]).toEqual([
      'rolled_back',
      { '1.2.0': 'blocked by hand: leaks' },
    ]);
    expect((await words('1.1.0')).aliases).toEqual({ production: '1.0.0' });
    await expect(words('1.0.0')).rejects.toThrow('there is no previous version');
    expect((await one.act(before => unblock(before, '1.2.0'))).quarantine).toEqual({
      '1.1.0': 'blocked by hand: leaks',
    });
    await expect(one.act(before => unblock(before, '1.2.0'))).rejects.toThrow('1.2.0 is not blocked');
  });
});
