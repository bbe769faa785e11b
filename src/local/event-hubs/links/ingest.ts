import type { Receiver } from 'rhea';
import { DecodeError } from '../amqp/encoding.ts';
import { encodeEvents } from '../amqp/event-encoder.ts';
import { EventTable } from '../amqp/event-table.ts';
import { IncomingDeliveries, type IncomingMessage } from '../amqp/incoming-delivery.ts';
import { partitionOfKey } from '../key-hash.ts';
import type { Hub, Namespace, Partition } from '../namespace.ts';
import { ServiceError } from '../service-error.ts';

/** A sender's link to a hub or to one of its partitions: message in, log, acknowledgement. */
export function openIngest(
  link: Receiver,
  namespace: Namespace,
  hub: Hub,
  fixed: Partition | undefined,
): IncomingDeliveries {
  return new IncomingDeliveries(link, message => {
    try {
      const table = new EventTable(message.bytes, message.format);
      const partition = fixed ?? choosePartition(namespace, hub, table);
      partition.log.append(encodeEvents(table), settle(message));
      namespace.flushSoon(partition);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      message.reject(new ServiceError('amqp:decode-error', error.message));
    }
  });
}

function choosePartition(namespace: Namespace, hub: Hub, table: EventTable): Partition {
  const key = table.partitionKey;
  if (!key) return namespace.nextPartition(hub);
  return hub.partitions[partitionOfKey(key, hub.partitions.length)] as Partition;
}

/** The log acknowledges only what is written, so that nothing acknowledged can be lost. */
function settle(message: IncomingMessage): (error?: Error) => void {
  return error => {
    if (error)
      message.reject(new ServiceError('amqp:internal-error', `The event could not be stored: ${error.message}`));
    else message.accept();
  };
}
