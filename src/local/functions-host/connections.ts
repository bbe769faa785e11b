import { setTimeout as delay } from 'node:timers/promises';
import type { TokenCredential } from '@azure/identity';
import { BlobServiceClient, type ContainerClient } from '@azure/storage-blob';
import { QueueServiceClient } from '@azure/storage-queue';
import type { AppSettings } from './app-settings.ts';
import { SetupError } from './errors.ts';
import { type HostLog, messageOf } from './log.ts';

/** How to reach an Event Hubs namespace. */
export type EventHubsConnection =
  | { readonly kind: 'connection-string'; readonly connectionString: string }
  | { readonly kind: 'identity'; readonly namespace: string; readonly credential: TokenCredential };

/** The connection that a trigger names: a setting with a connection string, or `<name>__fullyQualifiedNamespace`. @throws SetupError where neither is set. */
export async function eventHubsConnection(name: string, settings: AppSettings): Promise<EventHubsConnection> {
  const namespace = settings[`${name}__fullyQualifiedNamespace`];
  if (namespace) return { kind: 'identity', namespace, credential: await identity(name, settings) };
  const connectionString = settings[name] ?? settings[`AzureWebJobs${name}`] ?? settings[`ConnectionStrings:${name}`];
  if (connectionString) return { kind: 'connection-string', connectionString };
  throw new SetupError(
    `there is no connection ${name}: set ${name} to an Event Hubs connection string, or ${name}__fullyQualifiedNamespace, in the environment or in Values of local.settings.json`,
  );
}

/** The host's own storage, for checkpoints and timers. @throws SetupError where AzureWebJobsStorage is not set. */
export async function hostStorage(settings: AppSettings): Promise<BlobServiceClient> {
  const name = 'AzureWebJobsStorage';
  const account = settings[`${name}__accountName`];
  const uri = settings[`${name}__blobServiceUri`] ?? (account && `https://${account}.blob.core.windows.net`);
  const options = { retryOptions: { maxTries: 3, retryDelayInMs: 200, maxRetryDelayInMs: 1000 } };
  if (uri) return new BlobServiceClient(uri, await identity(name, settings), options);
  const connectionString = settings[name];
  if (connectionString) return BlobServiceClient.fromConnectionString(connectionString, options);
  throw new SetupError(
    `${name} is not set: the host keeps checkpoints and timers there. Set it to "UseDevelopmentStorage=true" (npm run storage) or a storage connection string, in the environment or in Values of local.settings.json`,
  );
}

/** The queue service that a trigger's connection names. @throws SetupError where it names none. */
export async function queueService(name: string, settings: AppSettings): Promise<QueueServiceClient> {
  const account = settings[`${name}__accountName`];
  const uri = settings[`${name}__queueServiceUri`] ?? (account && `https://${account}.queue.core.windows.net`);
  const options = { retryOptions: { maxTries: 2, retryDelayInMs: 200, maxRetryDelayInMs: 1000 } };
  if (uri) return new QueueServiceClient(uri, await identity(name, settings), options);
  const connectionString = settings[name] ?? settings[`AzureWebJobs${name}`] ?? '';
  try {
    return QueueServiceClient.fromConnectionString(connectionString, options);
  } catch (error) {
    throw new SetupError(
      `${name} names no queue service: set ${name} to a storage connection string with one (QueueEndpoint), or ${name}__queueServiceUri (${messageOf(error)})`,
    );
  }
}

const STORAGE_PAUSE_MS = 500;

/** Makes a container, waiting for storage where it does not answer yet. @throws SetupError where storage refuses. */
export async function openContainer(
  container: ContainerClient,
  log: HostLog,
  signal: AbortSignal,
): Promise<ContainerClient> {
  for (let attempt = 0; ; attempt++) {
    try {
      await container.createIfNotExists();
      return container;
    } catch (error) {
      const status = (error as { statusCode?: number }).statusCode;
      if (signal.aborted || status === 401 || status === 403) {
        throw new SetupError(`AzureWebJobsStorage: container ${container.containerName}: ${messageOf(error)}`);
      }
      if (attempt === 0) {
        log('warning', 'Host.Storage', `${container.url} does not answer (${messageOf(error)}); trying until it does`);
      }
      await delay(STORAGE_PAUSE_MS);
    }
  }
}

async function identity(name: string, settings: AppSettings): Promise<TokenCredential> {
  const { DefaultAzureCredential } = await import('@azure/identity'); // heavy, and rarely needed here
  const managedIdentityClientId = settings[`${name}__clientId`];
  return new DefaultAzureCredential(managedIdentityClientId ? { managedIdentityClientId } : {});
}
