import rhea from 'rhea';
import type { Namespace, Partition } from '../namespace.ts';
import { faultOfToken } from '../sas-token.ts';
import { ServiceError, unauthorized } from '../service-error.ts';
import type { Request } from './replies.ts';

const { types } = rhea;

/** Answers a READ of a hub's or a partition's properties. */
export function answerManagement(request: Request, namespace: Namespace): object {
  const properties = request.application_properties ?? {};
  try {
    return reply(request, 200, { 'status-description': 'OK' }, read(properties, namespace));
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    return refusal(request, error.condition === 'amqp:not-found' ? 404 : 400, error);
  }
}

/** True where the request brings a token of its own that holds. */
export function hasToken(request: Request, nowMs: number): boolean {
  const token = request.application_properties?.security_token;
  return token !== undefined && faultOfToken(String(token), nowMs) === undefined;
}

/** The answer to a request without a token. */
export function refuseManagement(request: Request): object {
  return refusal(request, 401, unauthorized('$management'));
}

function refusal(request: Request, status: number, { condition, message }: ServiceError): object {
  const described = {
    'error-condition': types.wrap_symbol(condition),
    'status-description': message,
    statusDescription: message,
  };
  return reply(request, status, described, types.wrap_map({}));
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
