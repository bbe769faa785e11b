import rhea from 'rhea';
import type { Namespace, Partition } from '../namespace.ts';
import { ServiceError } from '../service-error.ts';
import type { Request } from './replies.ts';

const { types } = rhea;

/** Answers a READ of a hub's or a partition's properties. */
export function answerManagement(request: Request, namespace: Namespace): object {
  const properties = request.application_properties ?? {};
  try {
    return reply(request, 200, { 'status-description': 'OK' }, read(properties, namespace));
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    const status = error.condition === 'amqp:not-found' ? 404 : 400;
    const described = {
      'error-condition': types.wrap_symbol(error.condition),
      'status-description': error.message,
      statusDescription: error.message,
    };
    return reply(request, status, described, types.wrap_map({}));
  }
}

function reply(request: Request, status: number, more: object, body: unknown): object {
  return {
    correlation_id: request.message_id,
    application_properties: { 'status-code': types.wrap_int(status), ...more },
    body,
  };
}

function read({ operation, type, name, partition }: Record<string, unknown>, namespace: Namespace): unknown {
  if (operation !== 'READ') throw new ServiceError('amqp:not-implemented', `unknown operation ${operation}`);
  switch (type) {
    case 'com.microsoft:eventhub': {
      const hub = namespace.hub(String(name));
      return types.wrap_map({
        name: hub.name,
        type,
        created_at: types.wrap_timestamp(hub.createdAtMs),
        partition_count: types.wrap_int(hub.partitions.length),
        partition_ids: types.wrap_array(
          hub.partitions.map(({ id }) => id),
          0xa1,
          undefined,
        ),
        georeplication_factor: types.wrap_int(1),
      });
    }
    case 'com.microsoft:partition':
      return partitionProperties(namespace.partition(String(name), String(partition)));
    default:
      throw new ServiceError('amqp:not-implemented', `unknown type ${type}`);
  }
}

function partitionProperties({ hub, id, log }: Partition): unknown {
  return types.wrap_map({
    name: hub,
    type: 'com.microsoft:partition',
    partition: id,
    begin_sequence_number: types.wrap_long(log.nextSequence === 0 ? -1 : log.firstSequence),
    last_enqueued_sequence_number: types.wrap_long(log.nextSequence - 1),
    last_enqueued_offset: String(log.lastEventPosition),
    last_enqueued_time_utc: types.wrap_timestamp(log.lastTimeMs),
    is_partition_empty: log.firstSequence === log.nextSequence,
  });
}
