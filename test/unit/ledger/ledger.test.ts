import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  allIds,
  batchOf,
  createWorld,
  idsIn,
  type Process,
  request,
  startProcess,
  type World,
} from '../../support/ledger-world.ts';
import type { Fault } from '../../support/memory-hub.ts';

/** What the host does: brings batches in order from its checkpoint. `keeps`: after a failure the same batch comes again; else it goes on behind it. */
async function host(world: World, batchSizes: readonly number[], keeps: (attempt: number) => boolean): Promise<void> {
  let app: Process = startProcess(world);
  let checkpoint = 0;
  let attempt = 0;
  while (checkpoint < world.requests.next) {
    if (attempt % 3 === 2) world.nowMs += 31_000; // long enough for a mark of what was passed over
    const size = batchSizes[attempt % batchSizes.length] ?? 1;
    const batch = batchOf(world, checkpoint, size);
    const failed = await app.scorer.scoreBatch(batch).then(
      () => false,
      () => true,
    );
    if (!failed || (!app.dead && !keeps(attempt))) checkpoint += batch.events.length;
    if (app.dead) {
      app = startProcess(world);
      // The next owner starts at the checkpoint, or a little before where the last one was not written.
      checkpoint = Math.max(0, checkpoint - (attempt % 3));
    }
    if (++attempt > 1_000) throw new Error('no progress');
  }
  // The stream falls silent; whatever holes are left are found.
  for (let i = 0; i < 40; i++) {
    world.nowMs += 1_000_000;
    if (app.dead) app = startProcess(world);
    await app.scorer.fillSilentPartitions();
  }
}

const fault = fc.oneof(
  { arbitrary: fc.constant<Fault>('none'), weight: 5 },
  {
    arbitrary: fc.constantFrom<Fault>(
      'absent',
      'unknown, appended',
      'unknown, not appended',
      'crash before',
      'crash after',
      'too large',
    ),
    weight: 4,
  },
);

const scenario = fc.record({
  events: fc.integer({ min: 1, max: 40 }),
  faults: fc.array(fault, { maxLength: 30 }),
  batchSizes: fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 6 }),
  wireBatch: fc.integer({ min: 1, max: 5 }),
  several: fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 5 }),
  bad: fc.array(fc.boolean(), { minLength: 1, maxLength: 50 }),
  passed: fc.oneof(
    fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 20 }),
    fc.array(fc.constantFrom(3, 3, 3, 3, 0), { minLength: 5, maxLength: 20 }),
  ),
  keeps: fc.array(fc.boolean(), { minLength: 1, maxLength: 8 }),
});

describe('the ledger', () => {
  it('gives every request exactly one ending, in order, whatever fails where', async () => {
    let marked = 0;
    await fc.assert(
      fc.asyncProperty(scenario, async ({ events, faults, batchSizes, wireBatch, several, bad, passed, keeps }) => {
        const world = createWorld({
          faults: faults.filter(fault => fault !== 'too large'),
          wireBatch,
          passes: (sequenceNumber, i) => passed[(sequenceNumber * 3 + i) % passed.length] === 3,
          requestsOf: sequenceNumber => several[sequenceNumber % several.length] ?? 1,
          isBad: (sequenceNumber, i) => bad[(sequenceNumber * 7 + i) % bad.length] ?? false,
        });
        request(world, events);
        await host(world, batchSizes, attempt => keeps[attempt % keeps.length] ?? true);
        if (world.mark) marked++;
        expect(world.falseMarks).toEqual([]);
        expectOneEndingEach(world);
        expectOrder(world);
      }),
      { numRuns: 400 },
    );
    expect(marked).toBeGreaterThan(10);
  }, 120_000);

  it('gives one ending even where a request ends otherwise each time it is scored', async () => {
    await fc.assert(
      fc.asyncProperty(scenario, async ({ events, faults, batchSizes, wireBatch, several, bad, passed, keeps }) => {
        let draw = 0;
        const world = createWorld({
          faults: [...faults],
          wireBatch,
          passes: (sequenceNumber, i) => passed[(sequenceNumber * 3 + i) % passed.length] === 3,
          requestsOf: sequenceNumber => several[sequenceNumber % several.length] ?? 1,
          isBad: () => bad[draw++ % bad.length] ?? false, // a deadline, a model that came meanwhile
        });
        request(world, events);
        await host(world, batchSizes, attempt => keeps[attempt % keeps.length] ?? true);
        expect(world.falseMarks).toEqual([]);
        expectOneEndingEach(world);
      }),
      { numRuns: 400 },
    );
  }, 120_000);
});

function expectOneEndingEach(world: World): void {
  expect([...idsIn(world.results), ...idsIn(world.deadLetters)].sort()).toEqual(allIds(world).sort());
}

function expectOrder(world: World): void {
  const order = allIds(world);
  for (const hub of [world.results, world.deadLetters]) {
    const places = idsIn(hub).map(id => order.indexOf(id));
    expect(places).toEqual([...places].sort((a, b) => a - b));
  }
}
