import { randomUUID } from 'node:crypto';
import kafkajs, { type Consumer, type Producer } from 'kafkajs';
import { counter, type Side } from './side.ts';

/** By KafkaJS: acknowledged when on disk, uncompressed. */
export async function kafkaSide(port: number, connectionString: string): Promise<Side> {
  const kafka = new kafkajs.Kafka({
    brokers: [`127.0.0.1:${port}`],
    sasl: { mechanism: 'plain', username: '$ConnectionString', password: connectionString },
    ssl: false,
    logLevel: kafkajs.logLevel.ERROR,
  });
  const producer: Producer = kafka.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
  await producer.connect();
  const listeners: Consumer[] = [];

  return {
    name: 'Kafka',
    async produce(hub, partitions, batch) {
      const messages = Array.from({ length: partitions }, (_, partition) =>
        batch.map(value => ({ value, partition })),
      ).flat();
      await producer.send({ topic: hub, messages });
    },
    async drain(hub, wanted) {
      const consumer = kafka.consumer({ groupId: randomUUID(), maxWaitTimeInMs: 100 });
      await consumer.connect();
      await consumer.subscribe({ topic: hub, fromBeginning: true });
      const { begin, take, drained } = counter(wanted);
      consumer.on(consumer.events.GROUP_JOIN, begin);
      await new Promise<void>((done, fail) => {
        const eachBatch = async ({ batch }: { batch: { messages: readonly unknown[] } }) => {
          if (take(batch.messages.length)) done();
        };
        consumer.run({ eachBatch, autoCommit: false }).catch(fail);
      });
      await consumer.disconnect();
      return drained();
    },
    async listen(hub, onBody) {
      const consumer = kafka.consumer({ groupId: randomUUID(), maxWaitTimeInMs: 1000 });
      listeners.push(consumer);
      await consumer.connect();
      await consumer.subscribe({ topic: hub, fromBeginning: false });
      const joined = new Promise(resolve => consumer.on(consumer.events.GROUP_JOIN, resolve));
      await consumer.run({
        autoCommit: false,
        eachMessage: async ({ message, partition }) => {
          if (partition === 0 && message.value) onBody(message.value);
        },
      });
      await joined;
    },
    async close() {
      await Promise.all([producer, ...listeners].map(client => client.disconnect()));
    },
  };
}
