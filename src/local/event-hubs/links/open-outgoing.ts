import type { Sender } from 'rhea';
import { parseAddress } from '../address.ts';
import { answerAttach } from '../amqp/rhea-private.ts';
import { type Client, type OpenLink, requireToken, type Service } from '../client.ts';
import { notFound, ServiceError } from '../service-error.ts';
import { Delivery } from './deliver.ts';
import { asNumber, desires } from './link-properties.ts';
import { Replies } from './replies.ts';
import { RUNTIME_METRICS, runtimeMetrics } from './runtime-metrics.ts';
import { startPosition } from './start-position.ts';

/**
 * Opens a link by which the peer receives: answers of `$cbs` and `$management`, or a partition's events.
 * @throws ServiceError where it may not.
 */
export function openOutgoing(service: Service, client: Client, link: Sender): OpenLink {
  const { namespace, receivers, clock } = service;
  const address = parseAddress(String(link.source?.address ?? ''));
  if (address.kind === 'cbs' || address.kind === 'management') {
    answerAttach(link, { initial_delivery_count: 0 });
    return new Replies(link);
  }
  if (address.kind !== 'consumer') throw notFound(String(link.source?.address));
  const hub = namespace.hub(address.hub);
  if (!hub.groups.has(address.group.toLowerCase())) throw notFound(`${address.hub}:${address.group}`);
  const partition = namespace.partition(hub.name, address.partition);
  requireToken(client, clock(), hub.name);
  const position = startPosition(partition.log, selectorOf(link));
  const leave = receivers.enter(`${hub.name}/${address.group}/${partition.id}`.toLowerCase(), {
    epoch: asNumber(link.properties?.['com.microsoft:epoch']),
    detach: error => service.detach(client, link, error),
  });
  const wantsMetrics = desires(link, RUNTIME_METRICS);
  answerAttach(link, {
    initial_delivery_count: 0,
    ...(wantsMetrics ? { offered_capabilities: [RUNTIME_METRICS] } : {}),
  });
  const metrics = wantsMetrics ? () => runtimeMetrics(partition.log, clock()) : undefined;
  const fail = (error: Error) => {
    const description = `Partition ${partition.id} of ${hub.name} cannot be read: ${error.message}`;
    service.warn(description);
    service.detach(client, link, new ServiceError('amqp:internal-error', description));
  };
  const delivery = new Delivery(link, client.socket, partition, position, metrics, fail);
  return {
    path: String(link.source?.address),
    onFlow: () => delivery.onFlow(),
    close: () => {
      leave();
      delivery.close();
    },
  };
}

/** The text of the selector filter, whichever way the client describes it. */
function selectorOf(link: Sender): string | undefined {
  const filters = Object.values(link.source?.filter ?? {}) as ({ value?: unknown } | string | null)[];
  const selector = filters.find(filter => filter !== null);
  if (selector === undefined) return undefined;
  return String(typeof selector === 'object' ? selector?.value : selector);
}
