import {
  EventHubConsumerClient,
  EventHubProducerClient,
  earliestEventPosition,
  latestEventPosition,
} from '@azure/event-hubs';
import { counter, type Side } from './side.ts';

/** By @azure/event-hubs. */
export function amqpSide(connectionString: string): Side {
  const producers = new Map<string, EventHubProducerClient>();
  const listeners: EventHubConsumerClient[] = [];
  const producerOf = (hub: string) => {
    const made = producers.get(hub) ?? new EventHubProducerClient(connectionString, hub);
    producers.set(hub, made);
    return made;
  };

  return {
    name: 'AMQP',
    async produce(hub, partitions, batch) {
      const events = batch.map(body => ({ body }));
      const send = (_: unknown, index: number) => producerOf(hub).sendBatch(events, { partitionId: String(index) });
      await Promise.all(Array.from({ length: partitions }, send));
    },
    async drain(hub, wanted) {
      const consumer = new EventHubConsumerClient('$Default', connectionString, hub);
      const { begin, take, drained } = counter(wanted);
      await new Promise<void>((done, fail) => {
        const subscription = consumer.subscribe(
          {
            processInitialize: async () => begin(),
            processEvents: async events => {
              if (take(events.length)) void subscription.close().then(done, fail);
            },
            processError: async error => fail(error),
          },
          { startPosition: earliestEventPosition, maxBatchSize: 1000, maxWaitTimeInSeconds: 1 },
        );
      });
      await consumer.close();
      return drained();
    },
    async listen(hub, onBody) {
      const consumer = new EventHubConsumerClient('$Default', connectionString, hub);
      listeners.push(consumer);
      let initialized = () => {};
      const ready = new Promise<void>(resolve => {
        initialized = resolve;
      });
      consumer.subscribe(
        '0',
        {
          processInitialize: async () => initialized(),
          processEvents: async events => {
            for (const { body } of events) onBody(body as Buffer);
          },
          processError: async error => Promise.reject(error),
        },
        { startPosition: latestEventPosition, maxBatchSize: 1 },
      );
      await ready;
    },
    async close() {
      await Promise.all([...producers.values(), ...listeners].map(client => client.close()));
    },
  };
}
