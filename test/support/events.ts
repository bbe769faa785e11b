import type { Event, EventBatch } from '../../src/core/event.ts';
import type { Log } from '../../src/core/log.ts';

/** Saturday, 21 November 2026, 09:00 UTC. */
export const NOON = Date.UTC(2026, 10, 21, 9);

/** A batch of partition 2, sequence numbers from 100; bodies as text, bytes, or a value to be written as JSON. */
export function batchOf(bodies: readonly unknown[], common: Partial<Event> = {}): EventBatch {
  const events = bodies.map((body, index) => ({
    body: Buffer.isBuffer(body) ? body : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
    sequenceNumber: 100 + index,
    enqueuedAtMs: NOON,
    partitionKey: undefined,
    contentType: undefined,
    contentEncoding: undefined,
    properties: {},
    ...common,
  }));
  return { hub: 'inference-requests', consumerGroup: 'inference-consumer', partition: '2', events };
}

export const quiet: Log = { info() {}, warn() {}, error() {} };
