import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Choose, Routing } from '../../../src/core/routing.ts';
import { bucketOf } from '../../../src/rollouts/bucket.ts';
import { type CatalogWorld, catalogWorld } from '../../support/catalog-world.ts';
import { HOUR, rolloutOf, T0 } from '../../support/rollouts.ts';

const at = (ms: number) => new Date(ms).toISOString();

describe('a rollout', () => {
  let world: CatalogWorld;
  beforeEach(async () => {
    world = catalogWorld();
    world.nowMs = T0;
    for (const version of ['1.0.0', '1.1.0', '1.2.0']) world.put(`m/${version}`);
    deploy({ aliases: { production: '1.1.0' } });
    await world.start({ checkMs: 5_000 });
  });
  afterEach(() => world.close());

  const deploy = (document: object) => world.store.put('m/deployment.json', document);
  /** A canary of 1.2.0 at 50 % that is announced now and takes effect in 15 s. */
  const announced = (more: object = {}) => ({
    revision: 2,
    effective_at: at(T0 + 15_000),
    aliases: { production: '1.1.0' },
    rollout: rolloutOf({ weight: 50, started_at: at(T0 + 15_000), effective_at: at(T0 + 15_000) }),
    routing_history: [{ revision: 1, aliases: { production: '1.1.0' } }],
    ...more,
  });
  const routing = async () => (await world.catalog.routing('m', undefined)) as Routing;
  /** Another batch begins, so much later. */
  const after = async (ms: number) => {
    world.nowMs += ms;
    await world.catalog.current?.();
    return routing();
  };
  const chosen = (choose: Choose | undefined, key: string, enqueuedAtMs: number) => {
    const { route, bucket } = (choose as Choose)(key, [], enqueuedAtMs);
    return {
      version: route.version.version,
      variant: route.variant,
      rollout: route.rollout,
      fallback: route.fallback,
      bucket,
    };
  };
  const goes = 'customer-7';
  const stays = 'customer-8';

  it('divides requests by their keys from the moment it takes effect, and loads its candidate before', async () => {
    expect((await routing()).route?.version.version).toBe('1.1.0');
    deploy(announced());
    await after(4_000);
    expect((await routing()).route, 'checked too early').toBeDefined();
    const { choose } = await after(1_000);
    expect(await world.loaded()).toEqual(['m/1.1.0', 'm/1.2.0']);
    const rollout = { id: 'ro_7Q2', revision: 2 };
    expect(chosen(choose, goes, T0 + 15_000)).toEqual({
      version: '1.2.0',
      variant: 'candidate',
      rollout,
      fallback: false,
      bucket: bucketOf('ro_7Q2', goes),
    });
    expect(chosen(choose, stays, T0 + 15_000)).toMatchObject({
      version: '1.1.0',
      variant: 'production',
      rollout,
      bucket: 6183,
    });
    expect(chosen(choose, goes, T0 + 14_999)).toMatchObject({ version: '1.1.0', variant: undefined, bucket: -1 });
  });

  it('leaves alone what asks for a version, or an alias', async () => {
    deploy(announced({ aliases: { production: '1.1.0', staging: '1.0.0' } }));
    expect((await world.catalog.routing('m', '1.0.0')).route?.version.version).toBe('1.0.0');
    expect((await world.catalog.routing('m', 'staging')).route?.version.version).toBe('1.0.0');
    expect((await world.catalog.routing('m', 'Production')).choose).toBeDefined();
  });

  it('ends at once where it is rolled back, for the backlog as well', async () => {
    deploy(announced());
    await routing();
    expect((await after(20_000)).choose).toBeDefined();
    const { rollout, ...rest } = announced();
    deploy({
      ...rest,
      revision: 3,
      effective_at: null,
      rollout: { ...rollout, phase: 'rolled_back' },
      routing_history: [rest],
    });
    const { route } = await after(5_000);
    expect([route?.version.version, route?.variant]).toEqual(['1.1.0', undefined]);
  });

  it('is waited for by an instance that has not loaded the candidate yet', async () => {
    world.nowMs = T0 + HOUR;
    deploy(announced());
    const asked = world.catalog.routing('m', undefined);
    expect(asked).toBeInstanceOf(Promise);
    expect(chosen((await asked).choose, goes, T0 + HOUR).version).toBe('1.2.0');
    expect(world.catalog.routing('m', undefined)).not.toBeInstanceOf(Promise);
  });

  it('answers with production, and says so, where its candidate does not load', async () => {
    world.store.put('m/1.2.0/model.onnx', Buffer.from('no model'));
    deploy(announced());
    const { choose } = await routing();
    const route = chosen(choose, goes, T0 + HOUR);
    expect(route).toMatchObject({ version: '1.1.0', variant: 'candidate', fallback: true, bucket: 2080 });
    expect(chosen(choose, stays, T0 + HOUR)).toMatchObject({
      version: '1.1.0',
      variant: 'production',
      fallback: false,
    });
  });

  it('is let go of where nothing could be heard of it for two minutes, but for one at 100 %', async () => {
    deploy(announced());
    await routing();
    await after(20_000);
    world.store.away = true;
    expect(chosen((await after(100_000)).choose, goes, T0 + HOUR).variant).toBe('candidate');
    const leashed = await after(25_000);
    expect(chosen(leashed.choose, goes, T0 + HOUR)).toMatchObject({
      version: '1.1.0',
      variant: undefined,
      rollout: undefined,
      bucket: -1,
    });
    expect(world.log.lines.join()).toContain('as if there were no rollout');
    world.store.away = false;
    expect(chosen((await after(5_000)).choose, goes, T0 + HOUR).variant).toBe('candidate');
  });

  it('stays at 100 % without hearing of it', async () => {
    const { rollout, ...rest } = announced();
    deploy({ ...rest, rollout: { ...rollout, kind: 'blue_green', weight: 100 } });
    await routing();
    await after(20_000);
    world.store.away = true;
    expect(chosen((await after(500_000)).choose, stays, T0 + HOUR)).toMatchObject({
      version: '1.2.0',
      variant: 'candidate',
    });
  });

  it('changes by nothing that cannot be read, of which the leash counts', async () => {
    deploy(announced());
    await routing();
    await after(20_000);
    deploy({ schema: 2, rollout: null });
    expect(chosen((await after(5_000)).choose, goes, T0 + HOUR).variant).toBe('candidate');
    expect(world.log.lines.join()).toContain('schema 2 is of a newer hubscore');
    expect(chosen((await after(130_000)).choose, goes, T0 + HOUR).variant).toBeUndefined();
  });

  it('makes no version production that is in quarantine', async () => {
    deploy({ quarantine: { '1.2.0': 'ro_1 error_rate' } });
    expect((await routing()).route?.version.version).toBe('1.1.0');
    expect((await world.catalog.routing('m', '1')).route?.version.version).toBe('1.1.0');
    expect((await world.catalog.routing('m', '1.2.0')).route?.version.version).toBe('1.2.0');
  });

  it('is followed by a document that appears between two looks', async () => {
    world.store.remove('m/deployment.json');
    await world.start({ checkMs: 5_000 });
    expect((await routing()).route?.version.version).toBe('1.2.0');
    deploy(announced());
    expect((await after(5_000)).route?.version.version ?? 'divided').toBe('divided');
  });
});
