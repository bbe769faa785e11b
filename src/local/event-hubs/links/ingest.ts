import type { Receiver } from 'rhea';
import { DecodeError } from '../amqp/encoding.ts';
import { encodeEvents } from '../amqp/event-encoder.ts';
import { EventTable } from '../amqp/event-table.ts';
import { IncomingDeliveries, type IncomingMessage } from '../amqp/incoming-delivery.ts';
import { answerAttach } from '../amqp/rhea-private.ts';
import type { Client, OpenLink, Service } from '../client.ts';
import { partitionOfKey } from '../key-hash.ts';
import { MAX_MESSAGE_BYTES } from '../limits.ts';
import type { Hub, Namespace, Partition } from '../namespace.ts';
import { ServiceError } from '../service-error.ts';
import { IDEMPOTENT, IdempotentProducer } from './idempotent-producer.ts';
import { desires } from './link-properties.ts';

/**
 * Opens a sender's link to a hub or to one of its partitions: message in, log, acknowledgement.
 * @throws ServiceError where an idempotent producer's epoch is past.
 */
export function openIngest(
  service: Service,
  client: Client,
  link: Receiver,
  hub: Hub,
  fixed: Partition | undefined,
): OpenLink {
  const producer = fixed && desires(link, IDEMPOTENT) ? new IdempotentProducer(link, fixed.log) : undefined;
  const leave =
    producer &&
    service.producers.enter(`${hub.name}/${fixed?.id}/${producer.id}`, {
      epoch: producer.epoch,
      detach: error => service.detach(client, link, error),
    });
  answerAttach(link, {
    max_message_size: MAX_MESSAGE_BYTES,
    ...(producer ? { offered_capabilities: [IDEMPOTENT], properties: producer.properties } : {}),
  });
  const deliveries = new IncomingDeliveries(link, message => {
    try {
      store(service, hub, fixed, producer, message);
    } catch (error) {
      if (error instanceof DecodeError) message.reject(new ServiceError('amqp:decode-error', error.message));
      else if (error instanceof ServiceError) message.reject(error);
      else throw error;
    }
  });
  return {
    path: String(link.target?.address),
    usedAtMs: service.clock(),
    onFrame(frame) {
      this.usedAtMs = service.clock();
      deliveries.onFrame(frame);
    },
    ...(leave ? { close: leave } : {}),
  };
}

function store(
  { namespace, throttle }: Service,
  hub: Hub,
  fixed: Partition | undefined,
  producer: IdempotentProducer | undefined,
  message: IncomingMessage,
): void {
  const table = new EventTable(message.bytes, message.format);
  throttle?.take(table.count);
  const partition = fixed ?? choosePartition(namespace, hub, table);
  const mark = producer?.take(table);
  // A batch that is there already may still be on its way to disk: it is acknowledged behind what came before.
  if (producer && !mark) setImmediate(() => message.accept());
  else {
    partition.log.append({ ...encodeEvents(table), ...(mark ? { producer: mark } : {}) }, error => {
      // Acknowledged only once written, so that nothing acknowledged can be lost.
      if (!error) return message.accept();
      producer?.giveBack(table);
      message.reject(new ServiceError('amqp:internal-error', `The event could not be stored: ${error.message}`));
    });
    namespace.flushSoon(partition);
  }
}

function choosePartition(namespace: Namespace, hub: Hub, table: EventTable): Partition {
  const key = table.partitionKey;
  if (!key) return namespace.nextPartition(hub);
  return hub.partitions[partitionOfKey(key, hub.partitions.length)] as Partition;
}
