import { beforeEach, describe, expect, it } from 'vitest';
import { MetricStore } from '../../../src/telemetry/metric-store.ts';
import { PartitionLag } from '../../../src/telemetry/partition-lag.ts';
import { batch, event } from './scored.ts';

const NOW_MS = 1_800_000_000_000;
const LOOK_MS = 15_000;

let nowMs: number;
/** The broker's newest sequence number of partition 2. */
let newest: number;
beforeEach(() => {
  nowMs = NOW_MS;
  newest = -1;
});

/** An instance, and what it shows of partition 2 at a look. */
function instance() {
  const store = new MetricStore();
  const lag = new PartitionLag(store, () => nowMs);
  const events = (first: number, last: number) =>
    batch(Array.from({ length: last - first + 1 }, (_, i) => event(first + i, nowMs)));
  return {
    arrives: (first: number, last: number) => lag.arrived(events(first, last)),
    scores(first: number, last: number) {
      const ended = lag.arrived(events(first, last));
      lag.settled(events(first, last), nowMs);
      ended();
    },
    fails(first: number, last: number) {
      const ended = lag.arrived(events(first, last));
      lag.failed(events(first, last));
      ended();
    },
    async shows(): Promise<number | undefined> {
      await lag.refresh(async () => newest);
      for (const family of store.families()) {
        if (family.name !== 'hubscore_partition_lag_events') continue;
        for (const { value } of family.series()) return 'value' in value ? value.value : undefined;
      }
      return undefined;
    },
  };
}

/** As the dashboards ask: `min by (partition)`. */
const smallest = (shown: readonly (number | undefined)[]) => Math.min(...shown.filter(one => one !== undefined));

describe('lag of a partition that moves from one instance to another', () => {
  it('is the truth at every look, and the old instance forgets it within a minute', async () => {
    const [before, after] = [instance(), instance()];
    newest = 99;
    before.scores(0, 99);
    const shown: (number | undefined)[] = [];
    for (let look = 0; look < 20; look++) {
      nowMs += LOOK_MS;
      after.scores(100 + 750 * look, 849 + 750 * look);
      newest = 849 + 750 * look + 7;
      const [old, own] = [await before.shows(), await after.shows()];
      expect(own).toBe(7);
      expect(smallest([old, own])).toBe(7);
      shown.push(old);
    }
    expect(shown.slice(0, 2)).toEqual([757, 1507]);
    expect(shown.slice(2)).toEqual(shown.slice(2).map(() => undefined));
  });

  it('is forgotten at the second owner as well when it comes back', async () => {
    const [first, second] = [instance(), instance()];
    newest = 9;
    first.scores(0, 9);
    newest = 19;
    second.scores(10, 19);
    newest = 29;
    for (let look = 0; look < 4; look++) {
      nowMs += LOOK_MS;
      await second.shows();
      await first.shows();
    }
    expect([await first.shows(), await second.shows()]).toEqual([undefined, undefined]);
    first.scores(20, 25);
    expect([await first.shows(), await second.shows()]).toEqual([4, undefined]);
  });
});

describe('lag of a partition that stays', () => {
  it('is shown as long as a batch is at work, however long that takes', async () => {
    const one = instance();
    newest = 9;
    one.scores(0, 9);
    const ended = one.arrives(10, 14);
    newest = 19;
    for (let look = 0; look < 12; look++) {
      nowMs += LOOK_MS;
      expect(await one.shows()).toBe(10);
    }
    ended();
    expect(await one.shows()).toBe(10);
  });

  it('is shown through the longest pause between two tries of a batch that fails', async () => {
    const one = instance();
    newest = 9;
    for (let attempt = 0; attempt < 4; attempt++) {
      one.fails(0, 9);
      for (let look = 0; look < 4; look++) {
        nowMs += LOOK_MS;
        expect(await one.shows()).toBe(10);
      }
    }
  });

  it('is shown where nothing new comes', async () => {
    const one = instance();
    newest = 9;
    one.scores(0, 9);
    for (let look = 0; look < 19; look++) {
      nowMs += LOOK_MS;
      expect(await one.shows()).toBe(0);
    }
  });
});
