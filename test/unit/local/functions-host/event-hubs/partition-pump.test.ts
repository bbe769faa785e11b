import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import { EventQueue } from '../../../../../src/local/functions-host/event-hubs/event-queue.ts';
import type {
  HubConnection,
  LinkHandlers,
  Position,
} from '../../../../../src/local/functions-host/event-hubs/hub-connection.ts';
import { PartitionPump } from '../../../../../src/local/functions-host/event-hubs/partition-pump.ts';
import type { ReceivedEvent } from '../../../../../src/local/functions-host/event-hubs/received-event.ts';
import { eventOf, payloadOf } from './event-of.ts';

/** A partition that delivers as credit allows, and breaks when told to. */
class FakePartition {
  readonly positions: Position[] = [];
  refusals = 0;
  credit = 0;
  stored = 0;
  delivered = 0;
  #next = 0;
  handlers: LinkHandlers | undefined;

  readonly connection = {
    receive: async (_: string, position: Position, handlers: LinkHandlers) => {
      this.positions.push(position);
      if (this.refusals-- > 0) throw new Error('refused');
      this.#next = position.kind === 'sequence-number' ? position.after + 1 : 0;
      this.handlers = handlers;
      this.credit = 0;
      return {
        addCredit: (events: number) => {
          this.credit += events;
          setImmediate(() => this.deliver());
        },
        close: async () => {
          this.handlers = undefined;
        },
      };
    },
  } as unknown as HubConnection;

  deliver(): void {
    while (this.handlers && this.credit > 0 && this.#next < this.stored) {
      this.credit--;
      this.delivered++;
      this.handlers.onPayload(payloadOf({ sequenceNumber: this.#next++ }));
    }
  }
}

function pumpOf(
  partition: FakePartition,
  process: (events: readonly ReceivedEvent[]) => Promise<number>,
  options: Partial<ConstructorParameters<typeof PartitionPump>[0]> = {},
) {
  const breaks: string[] = [];
  const pump = new PartitionPump({
    connection: partition.connection,
    partitionId: '0',
    start: { kind: 'offset', after: '-1' },
    maxEventBatchSize: 10,
    minEventBatchSize: 1,
    maxWaitMs: 1000,
    prefetchCount: 50,
    process,
    onBreak: message => breaks.push(message),
    ...options,
  });
  return { pump, breaks };
}

const all = (count: number) => Array.from({ length: count }, (_, i) => i);

describe('PartitionPump', () => {
  it('cuts what has come into batches, one at a time and in order', async () => {
    const partition = new FakePartition();
    partition.stored = 1003;
    const batches: number[][] = [];
    let running = 0;
    const { pump } = pumpOf(partition, async events => {
      expect(++running).toBe(1);
      batches.push(events.map(({ sequenceNumber }) => sequenceNumber));
      await delay(0);
      running--;
      return events.length;
    });
    const done = pump.run(() => undefined);
    await vi.waitFor(() => expect(batches.flat()).toHaveLength(1003), { timeout: 20_000 });
    await pump.stop();
    await done;
    expect(batches.flat()).toEqual(all(1003));
    expect(Math.max(...batches.map(batch => batch.length))).toBe(10);
    expect(batches.filter(batch => batch.length < 10).length).toBeLessThan(25);
  });

  it('waits for a batch to fill where that is wanted, and not longer than until it is full', async () => {
    vi.useFakeTimers();
    try {
      const partition = new FakePartition();
      const batches: number[] = [];
      const { pump } = pumpOf(
        partition,
        async events => {
          batches.push(events.length);
          return events.length;
        },
        { fillMs: 20 },
      );
      const done = pump.run(() => undefined);
      const bring = async (stored: number, ms: number) => {
        partition.stored = stored;
        partition.deliver();
        await vi.advanceTimersByTimeAsync(ms);
      };
      await vi.advanceTimersByTimeAsync(1);
      await bring(1, 15);
      await bring(3, 4);
      expect(batches).toEqual([]);
      await bring(3, 2);
      expect(batches).toEqual([3]);
      await bring(13, 0);
      expect(batches).toEqual([3, 10]);
      await pump.stop();
      await done;
    } finally {
      vi.useRealTimers();
    }
  });

  it('asks for no more than it may hold while its function is busy', async () => {
    const partition = new FakePartition();
    partition.stored = 10_000;
    let release: (() => void) | undefined;
    let held = 0;
    const { pump } = pumpOf(partition, async events => {
      held = events.length;
      await new Promise<void>(next => {
        release = next;
      });
      return events.length;
    });
    const done = pump.run(() => undefined);
    await vi.waitFor(() => expect(release).toBeDefined());
    await delay(20);
    expect(held).toBeLessThanOrEqual(10);
    expect(partition.delivered).toBeGreaterThanOrEqual(50);
    expect(partition.delivered).toBeLessThanOrEqual(50 + held);
    pump.stop();
    release?.();
    await done;
  });

  it('waits for the least batch, or so long at most', async () => {
    const partition = new FakePartition();
    partition.stored = 3;
    const sizes: number[] = [];
    const { pump } = pumpOf(partition, async events => sizes.push(events.length) && events.length, {
      minEventBatchSize: 5,
      maxWaitMs: 60,
    });
    const done = pump.run(() => undefined);
    await delay(20);
    expect(sizes).toEqual([]);
    partition.stored = 6;
    partition.deliver();
    await vi.waitFor(() => expect(sizes).toEqual([6]), { interval: 2 });
    partition.stored = 7;
    partition.deliver();
    await delay(20);
    expect(sizes).toEqual([6]);
    await vi.waitFor(() => expect(sizes).toEqual([6, 1]), { interval: 2 });
    await pump.stop();
    await done;
  });

  it('stops while it waits for the least batch', async () => {
    const partition = new FakePartition();
    partition.stored = 3;
    const process = vi.fn(async (events: readonly ReceivedEvent[]) => events.length);
    const { pump } = pumpOf(partition, process, { minEventBatchSize: 5, maxWaitMs: 60_000 });
    const done = pump.run(() => undefined);
    await vi.waitFor(() => expect(partition.delivered).toBe(3));
    await pump.stop();
    await done;
    expect(process).not.toHaveBeenCalled();
  });

  it('opens a broken link again behind the last event that came', async () => {
    const partition = new FakePartition();
    partition.stored = 30;
    const seen: number[] = [];
    const { pump, breaks } = pumpOf(partition, async events => {
      seen.push(...events.map(({ sequenceNumber }) => sequenceNumber));
      return events.length;
    });
    const done = pump.run(() => undefined);
    await vi.waitFor(() => expect(seen).toHaveLength(30));
    partition.refusals = 2;
    partition.stored = 60;
    partition.handlers?.onClosed({ stolen: false, message: 'gone' });
    await vi.waitFor(() => expect(seen).toHaveLength(60));
    expect(seen).toEqual(all(60));
    expect(partition.positions.at(-1)).toEqual({ kind: 'sequence-number', after: 29 });
    expect(breaks).toEqual(['gone; opening it again', expect.stringMatching(/refused; trying again/)]);
    await pump.stop();
    await done;
  });

  it('ends where another took the partition, or where a batch is not done with', async () => {
    const partition = new FakePartition();
    const robbed = pumpOf(partition, async events => events.length).pump;
    const done = robbed.run(() => partition.handlers?.onClosed({ stolen: true, message: 'stolen' }));
    await done;
    expect(robbed.stolen).toBe(true);

    const failing = new FakePartition();
    failing.stored = 25;
    let calls = 0;
    await pumpOf(failing, async events => (++calls === 2 ? 3 : events.length)).pump.run(() => undefined);
    expect(calls).toBe(2);
  });
});

describe('EventQueue', () => {
  it('asks in large steps, and for fewer events where they are large', () => {
    const queue = new EventQueue({ events: 100, bytes: 100_000 });
    expect(queue.ask()).toBe(100);
    expect(queue.ask()).toBe(0);
    for (let i = 0; i < 100; i++) queue.push(eventOf({ sequenceNumber: i }));
    expect(queue.take(10)).toHaveLength(10);
    expect(queue.ask()).toBe(0); // a tenth is not worth a request
    queue.take(40);
    expect(queue.ask()).toBe(50);

    const large = new EventQueue({ events: 100, bytes: 100_000 });
    large.ask();
    for (let i = 0; i < 100; i++) large.push(eventOf({ body: Buffer.alloc(10_000) }));
    large.take(100);
    expect(large.ask()).toBeLessThanOrEqual(10);
  });
});
