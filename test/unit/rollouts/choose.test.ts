import { describe, expect, it } from 'vitest';
import { bucketOf } from '../../../src/rollouts/bucket.ts';
import { choose, routingStates, stateUnder } from '../../../src/rollouts/choose.ts';
import { parseDocument } from '../../../src/rollouts/document.ts';
import { murmur3, murmur3After } from '../../../src/rollouts/murmur3.ts';
import { endsAtMs, ranMs, weightAt } from '../../../src/rollouts/ramp.ts';
import { HOUR, rolloutOf, START, T0 } from '../../support/rollouts.ts';
import { randomInputs } from '../../support/seed.ts';

const WEEK = 7 * 24 * HOUR;
const documentOf = (more: object) => parseDocument(JSON.stringify(more), 'm/deployment.json');

describe('bucketOf', () => {
  it('hashes as published', () => {
    expect(murmur3('hello')).toBe(0x248bfa47);
    expect(murmur3('')).toBe(0);
    expect(murmur3('', 1)).toBe(0x514e28b7);
    expect(murmur3('aaaa', 0x9747b28c)).toBe(0x5a97808a);
    expect(murmur3('The quick brown fox jumps over the lazy dog', 0x9747b28c)).toBe(0x2fa826cd);
  });

  it('has the same of a text in one piece and in two', () => {
    const random = randomInputs();
    for (let i = 0; i < 500; i++) {
      const text = Array.from({ length: random.below(40) }, () => 'aZ9:-ëß日😀'[random.below(9)] ?? '').join('');
      for (const prefix of ['', 'ro:', 'ro_7Q2:', 'ro_77Q2:'])
        expect(murmur3After(prefix)(text)).toBe(murmur3(prefix + text));
    }
    const long = 'k'.repeat(5_000);
    expect(murmur3After('ro:')(long)).toBe(murmur3(`ro:${long}`));
  });

  it.each([
    ['customer-7', 2080],
    ['customer-8', 6183],
    ['req_1', 4646],
    ['Zoë', 817],
  ])('puts %s into bucket %i', (key, bucket) => {
    expect(bucketOf('ro_7Q2', key)).toBe(bucket);
  });
});

describe('weightAt', () => {
  const ramp = { start: 10, step: 10, every: '7d' };

  it('grows by the formula, to all', () => {
    const rollout = rolloutOf({ ramp });
    const at = (weeks: number) => weightAt(rollout, T0 + weeks * WEEK);
    expect([at(0), at(0.99), at(1), at(2.5), at(9), at(40)]).toEqual([10, 10, 20, 30, 100, 100]);
    expect(weightAt(rollout, T0 - 1)).toBe(10);
  });

  it('stays while it is held, and goes on from there', () => {
    const held = rolloutOf({ ramp, phase: 'held', held_since: new Date(T0 + 1.5 * WEEK).toISOString() });
    expect(weightAt(held, T0 + 20 * WEEK)).toBe(20);
    expect(endsAtMs(held)).toBeUndefined();
    const resumed = rolloutOf({ ramp, held_seconds: (3 * WEEK) / 1000 });
    expect([4.99, 5, 6].map(weeks => weightAt(resumed, T0 + weeks * WEEK))).toEqual([20, 30, 40]);
    expect(ranMs(resumed, T0 + 5 * WEEK)).toBe(2 * WEEK);
    expect(endsAtMs(resumed)).toBe(T0 + 3 * WEEK + 24 * HOUR);
  });

  it('switches no key back as it grows', () => {
    const rollout = rolloutOf({ ramp });
    const states = routingStates(
      documentOf({ effective_at: START, revision: 2, aliases: { production: '1.1.0' }, rollout }),
    );
    let candidates = 0;
    for (let i = 0; i < 100_000; i++) {
      const key = `customer-${i}`;
      let before = 'production';
      for (let week = 0; week <= 9; week++) {
        const { variant } = choose(states, key, [], T0 + week * WEEK);
        if (before === 'candidate' && variant !== 'candidate') throw new Error(`${key} switched back in week ${week}`);
        before = variant as string;
        if (week === 0 && variant === 'candidate') candidates++;
      }
      expect(before).toBe('candidate');
    }
    expect(candidates / 100_000).toBeCloseTo(0.1, 2);
  });
});

describe('choose', () => {
  const document = documentOf({
    schema: 1,
    revision: 42,
    effective_at: START,
    aliases: { production: '1.1.0', previous: '1.0.0' },
    rollout: rolloutOf({ weight: 21 }),
    routing_history: [
      {
        effective_at: new Date(T0 - HOUR).toISOString(),
        revision: 41,
        aliases: { production: '1.1.0' },
        rollout: null,
      },
      { effective_at: null, revision: 40, aliases: { production: '1.0.0' }, rollout: null },
    ],
  });
  const states = routingStates(document);

  it('cuts by the time an event was enqueued at', () => {
    expect(choose(states, 'customer-7', [], T0)).toMatchObject({
      variant: 'candidate',
      bucket: 2080,
      state: { revision: 42 },
    });
    expect(choose(states, 'customer-8', [], T0)).toMatchObject({ variant: 'production', bucket: 6183 });
    const before = choose(states, 'customer-7', [], T0 - 1);
    expect(before).toMatchObject({ variant: undefined, bucket: -1, state: { revision: 41 } });
    expect(before.state.aliases.get('production')).toBe('1.1.0');
    expect(choose(states, 'customer-7', [], T0 - 2 * HOUR).state.aliases.get('production')).toBe('1.0.0');
  });

  it('voids the candidate for all events where what is newest holds for all', () => {
    const rolledBack = documentOf({
      revision: 43,
      aliases: { production: '1.1.0' },
      rollout: rolloutOf({ phase: 'rolled_back' }),
      routing_history: [{ ...document, routing_history: undefined }, ...document.routing_history],
    });
    for (const at of [T0 - 2 * HOUR, T0, T0 + HOUR]) {
      const { variant, state } = choose(routingStates(rolledBack), 'customer-7', [], at);
      expect([variant, state.revision, state.aliases.get('production')]).toEqual([undefined, 43, '1.1.0']);
    }
    expect(stateUnder(rolledBack, 42)?.rollout?.candidate).toBe('1.2.0');
  });

  it('takes in only the segments it is for', () => {
    const segmented = routingStates(
      documentOf({
        revision: 1,
        effective_at: START,
        aliases: {},
        rollout: rolloutOf({ weight: 100, segments: ['beta'] }),
      }),
    );
    expect(choose(segmented, 'k', ['alpha', 'beta'], T0).variant).toBe('candidate');
    expect(choose(segmented, 'k', ['alpha'], T0)).toMatchObject({ variant: undefined, bucket: -1 });
    expect(choose(segmented, 'k', [], T0).variant).toBeUndefined();
  });
});
