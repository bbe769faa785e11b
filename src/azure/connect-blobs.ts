import { ContainerClient, type StoragePipelineOptions } from '@azure/storage-blob';
import type { Connection } from '../config/connection.ts';
import { credentialOf } from './credential.ts';

/** Quick to give up: the catalog goes on with what it has loaded, and the host's retry policy comes back. */
const PIPELINE: StoragePipelineOptions = {
  retryOptions: { maxTries: 3, retryDelayInMs: 200, maxRetryDelayInMs: 2_000 },
};

/** A client of the models container. */
export async function connectContainer(connection: Connection, container: string): Promise<ContainerClient> {
  if (connection.kind === 'connection-string') {
    return new ContainerClient(connection.connectionString, container, PIPELINE);
  }
  const url = new URL(container, `${connection.endpoint.replace(/\/+$/, '')}/`);
  return new ContainerClient(url.href, await credentialOf(connection.clientId), PIPELINE);
}
