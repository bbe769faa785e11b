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
  const url = urlAt(connection.endpoint, container);
  return new ContainerClient(url, await credentialOf(connection.clientId), PIPELINE);
}

/** Where a container is, without anything that lets one in: tells it from others. */
export function containerAddress(connection: Connection, container: string): string {
  if (connection.kind === 'identity') return urlAt(connection.endpoint, container);
  const { origin, pathname } = new URL(new ContainerClient(connection.connectionString, container).url);
  return origin + pathname;
}

const urlAt = (endpoint: string, container: string) => new URL(container, `${endpoint.replace(/\/+$/, '')}/`).href;
