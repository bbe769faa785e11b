import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../log.ts';
import { EventQueue } from './event-queue.ts';
import type { HubConnection, PartitionLink, Position } from './hub-connection.ts';
import { ReceivedEvent } from './received-event.ts';

const QUEUE_BYTES = 32 * 1024 * 1024;
const REOPEN_AFTER_MS = [50, 100, 200, 500, 1000];

export interface PumpOptions {
  readonly connection: HubConnection;
  readonly partitionId: string;
  readonly start: Position;
  readonly maxEventBatchSize: number;
  readonly minEventBatchSize: number;
  readonly maxWaitMs: number;
  readonly prefetchCount: number;
  /** See Waits. */
  readonly fillMs?: number;
  /** Runs the function on a batch; how many of the events, from the first on, are done with. With fewer than all the pump stops. Never throws. */
  readonly process: (events: readonly ReceivedEvent[]) => Promise<number>;
  /** Told once for every break of the link, for the log. */
  readonly onBreak: (message: string) => void;
}

/**
 * Reads one partition and calls its function, one batch at a time, in order. Events are received ahead of the function in
 * any number and cut into batches only when the function is free, so that small batches cost no throughput and a lone
 * event waits for nothing.
 */
export class PartitionPump {
  readonly #options: PumpOptions;
  readonly #queue: EventQueue;
  readonly #stop = new AbortController();
  #link: PartitionLink | undefined;
  #lastReceived: number | undefined;
  /** Why reading ended by itself: another owner took the partition. */
  stolen = false;

  constructor(options: PumpOptions) {
    this.#options = options;
    // Twice the batch at least: one in the function, one waiting for it.
    const events = Math.max(options.prefetchCount, 2 * options.maxEventBatchSize);
    this.#queue = new EventQueue({ events, bytes: QUEUE_BYTES });
    this.signal.addEventListener('abort', () => this.#queue.wake(), { once: true });
  }

  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  /** Reads until stopped or robbed; resolves when no function runs any more. `opened` is called when events can come. */
  async run(opened: () => void): Promise<void> {
    const { maxEventBatchSize, process } = this.#options;
    await this.#open();
    opened();
    while (!this.signal.aborted) {
      if (!(await this.#enough()) || !(await this.#filled())) break;
      const events = this.#queue.take(maxEventBatchSize);
      if ((await process(events)) < events.length) break;
      this.#addCredit();
    }
    await this.stop();
  }

  /** Receives no more and calls no more; the function that runs now goes on. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#link?.close().catch(() => undefined);
  }

  /** Waits for a batch; false where the pump stops instead. */
  async #enough(): Promise<boolean> {
    const { minEventBatchSize, maxWaitMs } = this.#options;
    let waited = false;
    let timer: NodeJS.Timeout | undefined;
    try {
      while (!this.signal.aborted && this.#queue.length < minEventBatchSize) {
        if (this.#queue.length > 0) {
          if (waited) return true;
          timer ??= setTimeout(() => {
            waited = true;
            this.#queue.wake();
          }, maxWaitMs);
        }
        await this.#queue.more();
      }
    } finally {
      clearTimeout(timer);
    }
    return !this.signal.aborted;
  }

  /** Waits for more of a batch that is not full, where that is wanted; false where the pump stops instead. */
  async #filled(): Promise<boolean> {
    const { fillMs = 0, maxEventBatchSize } = this.#options;
    if (fillMs === 0 || this.#queue.length >= maxEventBatchSize) return true;
    let isOver = false;
    const timer = setTimeout(() => {
      isOver = true;
      this.#queue.wake();
    }, fillMs);
    while (!isOver && !this.signal.aborted && this.#queue.length < maxEventBatchSize) await this.#queue.more();
    clearTimeout(timer);
    return !this.signal.aborted;
  }

  /** Opens the link, however long that takes; returns early where the pump is stopped. */
  async #open(): Promise<void> {
    const { connection, partitionId, start, onBreak } = this.#options;
    for (let attempt = 0; !this.signal.aborted; attempt++) {
      try {
        const position: Position =
          this.#lastReceived === undefined ? start : { kind: 'sequence-number', after: this.#lastReceived };
        this.#queue.forgetAsked();
        const link = await connection.receive(partitionId, position, {
          onPayload: payload => this.#receive(payload),
          onClosed: reason => this.#closed(reason),
        });
        this.#link = link;
        if (this.signal.aborted) await link.close();
        this.#addCredit();
        return;
      } catch (error) {
        const stolen = (error as { condition?: string }).condition === 'amqp:link:stolen';
        if (stolen) return this.#closed({ stolen, message: messageOf(error) });
        if (attempt === 0) onBreak(`cannot be read: ${messageOf(error)}; trying again`);
        const waitMs = REOPEN_AFTER_MS[Math.min(attempt, REOPEN_AFTER_MS.length - 1)];
        await delay(waitMs, undefined, { signal: this.signal }).catch(() => undefined);
      }
    }
  }

  #receive(payload: Buffer): void {
    if (this.signal.aborted) return;
    const event = new ReceivedEvent(payload);
    this.#lastReceived = event.sequenceNumber;
    this.#queue.push(event);
  }

  #closed({ stolen, message }: { stolen: boolean; message: string }): void {
    if (this.signal.aborted) return;
    if (stolen) {
      this.stolen = true;
      this.#stop.abort();
      return;
    }
    this.#options.onBreak(`${message}; opening it again`);
    this.#open().catch(error => this.#options.onBreak(messageOf(error)));
  }

  #addCredit(): void {
    const events = this.#queue.ask();
    if (events > 0) this.#link?.addCredit(events);
  }
}
