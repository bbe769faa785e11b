import { EventHubConsumerClient, EventHubProducerClient } from '@azure/event-hubs';
import type { TokenCredential } from '@azure/identity';
import { eventHubsConnection } from '../config/connection.ts';
import type { Settings } from '../config/settings.ts';

/** A person is waiting: give up soon, and say why. */
const OPTIONS = { retryOptions: { maxRetries: 2, retryDelayInMs: 300, timeoutInMs: 15_000 } };

export async function connectProducer(settings: Settings, hub: string): Promise<EventHubProducerClient> {
  const connection = eventHubsConnection(settings);
  if (connection.kind === 'connection-string') {
    return new EventHubProducerClient(connection.connectionString, hub, OPTIONS);
  }
  return new EventHubProducerClient(connection.endpoint, hub, await credential(connection.clientId), OPTIONS);
}

export async function connectConsumer(settings: Settings, hub: string, group: string): Promise<EventHubConsumerClient> {
  const connection = eventHubsConnection(settings);
  if (connection.kind === 'connection-string') {
    return new EventHubConsumerClient(group, connection.connectionString, hub, OPTIONS);
  }
  return new EventHubConsumerClient(group, connection.endpoint, hub, await credential(connection.clientId), OPTIONS);
}

async function credential(managedIdentityClientId: string | undefined): Promise<TokenCredential> {
  const { DefaultAzureCredential } = await import('@azure/identity'); // slow to load, and needed in Azure only
  return new DefaultAzureCredential(managedIdentityClientId ? { managedIdentityClientId } : {});
}
