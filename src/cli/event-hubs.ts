import type { EventHubConsumerClient, EventHubProducerClient } from '@azure/event-hubs';
import { consumerClient, producerClient } from '../azure/event-hubs.ts';
import { eventHubsConnection } from '../config/connection.ts';
import type { Settings } from '../config/settings.ts';

/** A person is waiting: give up soon, and say why. */
const OPTIONS = { retryOptions: { maxRetries: 2, retryDelayInMs: 300, timeoutInMs: 15_000 } };

export async function connectProducer(settings: Settings, hub: string): Promise<EventHubProducerClient> {
  return producerClient(eventHubsConnection(settings), hub, OPTIONS);
}

export async function connectConsumer(settings: Settings, hub: string, group: string): Promise<EventHubConsumerClient> {
  return consumerClient(eventHubsConnection(settings), hub, group, OPTIONS);
}

/** A hub's name, and where it is unless that is this machine: nobody should send to production unawares. */
export function placeOf(hub: string, namespace: string): string {
  return /^(localhost|127\.0\.0\.1)$/.test(namespace) ? hub : `${hub} at ${namespace}`;
}
