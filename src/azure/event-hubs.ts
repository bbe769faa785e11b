import type { EventHubClientOptions, EventHubConsumerClient, EventHubProducerClient } from '@azure/event-hubs';
import type { Connection } from '../config/connection.ts';
import { credentialOf } from './credential.ts';

/** What the SDK's clients take: nothing is retried inside, since only the ledger may say what may be sent again. */
const SENDING = { retryOptions: { maxRetries: 0, timeoutInMs: 30_000 } };
/** A question whose connection ends under it waits for an answer all that time, and its partition with it. */
const READING = { retryOptions: { maxRetries: 0, timeoutInMs: 10_000 } };

export async function producerClient(
  connection: Connection,
  hub: string,
  options: EventHubClientOptions = SENDING,
): Promise<EventHubProducerClient> {
  const { EventHubProducerClient } = await import('./bounded-sdk.ts');
  return connection.kind === 'connection-string'
    ? new EventHubProducerClient(connection.connectionString, hub, options)
    : new EventHubProducerClient(connection.endpoint, hub, await credentialOf(connection.clientId), options);
}

export async function consumerClient(
  connection: Connection,
  hub: string,
  consumerGroup: string,
  options: EventHubClientOptions = READING,
): Promise<EventHubConsumerClient> {
  const { EventHubConsumerClient } = await import('./bounded-sdk.ts');
  if (connection.kind === 'connection-string') {
    return new EventHubConsumerClient(consumerGroup, connection.connectionString, hub, options);
  }
  const credential = await credentialOf(connection.clientId);
  return new EventHubConsumerClient(consumerGroup, connection.endpoint, hub, credential, options);
}
