import type { TokenCredential } from '@azure/identity';
import type { Connection } from '../config/connection.ts';

/** Credential of a managed identity; the identity library is loaded only where one is used (it costs 0.2 s of a cold start). */
export async function identityCredential(clientId: string | undefined): Promise<TokenCredential> {
  const { DefaultAzureCredential } = await import('@azure/identity');
  return clientId ? new DefaultAzureCredential({ managedIdentityClientId: clientId }) : new DefaultAzureCredential();
}

/** What the SDK's clients take: nothing is retried inside, since only the ledger may say what may be sent again. */
const SENDING = { retryOptions: { maxRetries: 0, timeoutInMs: 30_000 } };
/** A question whose connection ends under it waits for an answer all that time, and its partition with it. */
const READING = { retryOptions: { maxRetries: 0, timeoutInMs: 10_000 } };

export async function producerClient(connection: Connection, hub: string) {
  const { EventHubProducerClient } = await import('@azure/event-hubs');
  return connection.kind === 'connection-string'
    ? new EventHubProducerClient(connection.connectionString, hub, SENDING)
    : new EventHubProducerClient(connection.endpoint, hub, await identityCredential(connection.clientId), SENDING);
}

export async function consumerClient(connection: Connection, hub: string, consumerGroup: string) {
  const { EventHubConsumerClient } = await import('@azure/event-hubs');
  return connection.kind === 'connection-string'
    ? new EventHubConsumerClient(consumerGroup, connection.connectionString, hub, READING)
    : new EventHubConsumerClient(
        consumerGroup,
        connection.endpoint,
        hub,
        await identityCredential(connection.clientId),
        READING,
      );
}
