import { ContainerClient, type StoragePipelineOptions } from '@azure/storage-blob';
import type { Connection } from '../config/connection.ts';

/** Quick to give up: the catalog goes on with what it has loaded, and the host's retry policy comes back. */
const PIPELINE: StoragePipelineOptions = {
  retryOptions: { maxTries: 3, retryDelayInMs: 200, maxRetryDelayInMs: 2_000 },
};

/** A client of the models container. */
export async function connectContainer(connection: Connection, container: string): Promise<ContainerClient> {
  if (connection.kind === 'connection-string') {
    return new ContainerClient(connection.connectionString, container, PIPELINE);
  }
  // Loaded only here: it takes a good part of a second that local runs and cold starts with a connection string do not pay.
  const { DefaultAzureCredential, ManagedIdentityCredential } = await import('@azure/identity');
  const credential = connection.clientId
    ? new ManagedIdentityCredential({ clientId: connection.clientId })
    : new DefaultAzureCredential();
  const url = new URL(container, `${connection.endpoint.replace(/\/+$/, '')}/`);
  return new ContainerClient(url.href, credential, PIPELINE);
}
