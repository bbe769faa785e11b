import { setTimeout as delay } from 'node:timers/promises';
import type { OutgoingMessage } from '../../src/core/ending-messages.ts';
import { InfrastructureError } from '../../src/core/errors.ts';
import type { HubReader, StoredEvent } from '../../src/core/hub-reader.ts';
import { MAX_BATCH_BYTES, type PartitionSender, SendError } from '../../src/core/hub-sender.ts';

/** A hub of one partition in memory. */
export class MemoryHub {
  readonly name: string;
  createdAtMs: number;
  partitions = ['0'];
  events: StoredEvent[] = [];
  first = 0;
  next = 0;
  /** Of the last event there ever was. */
  lastAtMs: number | undefined;

  constructor(name: string, createdAtMs = 1_000) {
    this.name = name;
    this.createdAtMs = createdAtMs;
  }

  append(event: Pick<StoredEvent, 'body' | 'messageId' | 'correlationId' | 'properties'>, atMs: number): void {
    this.lastAtMs = atMs;
    this.events.push({
      ...event,
      sequenceNumber: this.next++,
      enqueuedAtMs: atMs,
      partitionKey: undefined,
      contentType: 'application/json',
      contentEncoding: undefined,
    });
  }

  /** Retention: everything before this number is gone. */
  expire(first: number): void {
    this.first = first;
    this.events = this.events.filter(event => event.sequenceNumber >= first);
  }

  /** Deleted and made anew. */
  recreate(createdAtMs: number): void {
    Object.assign(this, { createdAtMs, events: [], first: 0, next: 0, lastAtMs: undefined });
  }
}

/** @param alive called before every step; what it throws fails the step. */
export function memoryReader(hub: MemoryHub, alive: () => void): HubReader {
  const reach = (partition: string, signal: AbortSignal) => {
    signal.throwIfAborted();
    alive();
    if (!hub.partitions.includes(partition)) throw new InfrastructureError(`${hub.name} has no partition ${partition}`);
  };
  const reading = new Set<string>();
  return {
    hub: hub.name,
    async describe(signal) {
      signal.throwIfAborted();
      alive();
      return { createdAtMs: hub.createdAtMs, partitions: hub.partitions };
    },
    async range(partition, signal) {
      reach(partition, signal);
      return {
        first: hub.first,
        last: hub.next - 1,
        lastEnqueuedAtMs: hub.lastAtMs,
        empty: hub.events.length === 0,
      };
    },
    async *read(partition, from, signal) {
      reach(partition, signal);
      const wanted = (event: StoredEvent) =>
        'sequenceNumber' in from
          ? event.sequenceNumber >= from.sequenceNumber
          : event.enqueuedAtMs > from.enqueuedAfterMs;
      if (reading.has(partition)) throw new InfrastructureError(`${hub.name}/${partition} is being read already`);
      reading.add(partition);
      try {
        const events = hub.events.filter(wanted);
        for (let i = 0; i < events.length; i += 5) {
          reach(partition, signal);
          yield events.slice(i, i + 5);
        }
        throw new InfrastructureError(`read past the end of ${hub.name}`);
      } finally {
        reading.delete(partition);
      }
    },
    async close() {},
  };
}

/** What happens to a batch that leaves a sender. `silence`: no answer comes until the signal is aborted. */
export type Fault =
  | 'none'
  | 'absent'
  | 'unknown, appended'
  | 'unknown, not appended'
  | 'silence'
  | 'crash before'
  | 'crash after'
  | 'too large';

export interface Wire {
  /** Messages of one batch at most, beside the bytes that the service takes. */
  readonly batch: number;
  /** The fate of the next batch. */
  nextFault(): Fault;
  /** The time that a batch is enqueued at, later for every one. */
  tick(): number;
  /** Called before every step; what it throws fails the step. */
  alive(): void;
  crash(): never;
  onAppended?(message: OutgoingMessage): void;
}

export function memorySender(hub: MemoryHub, wire: Wire): PartitionSender {
  const append = (messages: readonly OutgoingMessage[]) => {
    const atMs = wire.tick();
    for (const message of messages) {
      const { messageId, correlationId, shared, own, body } = message;
      hub.append({ body, messageId, correlationId, properties: { ...shared, ...own } }, atMs);
      wire.onAppended?.(message);
    }
  };
  return {
    async send(_partition, list, signal) {
      const messages = [...list];
      for (let at = 0; at < messages.length; ) {
        wire.alive();
        const batch = messages.slice(at, at + fitting(messages, at, wire.batch));
        if (batch.length === 0) throw new SendError(`${messages[at]?.messageId} is too large`, 'too-large', at);
        const fault = wire.nextFault();
        if (fault === 'crash before') wire.crash();
        if (fault === 'absent') throw new SendError('refused', 'absent', at);
        if (fault === 'too large') throw new SendError('too large', 'too-large', at);
        if (fault === 'silence') await delay(60_000, undefined, { signal }).catch(() => {});
        if (fault === 'silence' || fault === 'unknown, not appended') throw new SendError('lost', 'unknown', at);
        append(batch);
        if (fault === 'unknown, appended') throw new SendError('lost', 'unknown', at);
        if (fault === 'crash after') wire.crash();
        at += batch.length;
      }
    },
    async close() {},
  };
}

/** How many messages from `from` on one batch takes; 0 where not even the first fits. */
function fitting(messages: readonly OutgoingMessage[], from: number, most: number): number {
  let bytes = 0;
  let count = 0;
  for (const { body, messageId, shared, own } of messages.slice(from, from + most)) {
    bytes += body.length + messageId.length + JSON.stringify({ ...shared, ...own }).length;
    if (bytes > MAX_BATCH_BYTES) break;
    count++;
  }
  return count;
}
