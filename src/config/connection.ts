import { ConfigurationError } from '../core/errors.ts';
import type { Settings } from './settings.ts';

/** How to reach a service: by a connection string, or by an endpoint and a managed identity. */
export type Connection =
  | { readonly kind: 'connection-string'; readonly connectionString: string }
  | { readonly kind: 'identity'; readonly endpoint: string; readonly clientId: string | undefined };

/** @throws ConfigurationError where neither form is set. */
export function eventHubsConnection(settings: Settings): Connection {
  return connection(
    'EventHubs',
    settings.EventHubs,
    'fullyQualifiedNamespace',
    settings.EventHubs__fullyQualifiedNamespace,
    settings.EventHubs__clientId,
  );
}

/** @throws ConfigurationError where neither form is set. */
export function modelStorageConnection(settings: Settings): Connection {
  return connection(
    'ModelStorage',
    settings.ModelStorage,
    'blobServiceUri',
    settings.ModelStorage__blobServiceUri,
    settings.ModelStorage__clientId,
  );
}

/** The account that batch jobs read and write, by default that of the models. @throws ConfigurationError where there is neither. */
export function batchStorageConnection(settings: Settings): Connection {
  const { BatchStorage, BatchStorage__blobServiceUri, BatchStorage__clientId } = settings;
  if (!BatchStorage && !BatchStorage__blobServiceUri) return modelStorageConnection(settings);
  return connection(
    'BatchStorage',
    BatchStorage,
    'blobServiceUri',
    BatchStorage__blobServiceUri,
    BatchStorage__clientId,
  );
}

/** The queues of the host's own storage. @throws ConfigurationError where it is not named. */
export function hostQueuesConnection(settings: Settings): Connection {
  return connection(
    'AzureWebJobsStorage',
    settings.AzureWebJobsStorage,
    'queueServiceUri',
    settings.AzureWebJobsStorage__queueServiceUri,
    settings.AzureWebJobsStorage__clientId,
  );
}

function connection(
  name: string,
  connectionString: string | undefined,
  suffix: string,
  endpoint: string | undefined,
  clientId: string | undefined,
): Connection {
  if (endpoint) return { kind: 'identity', endpoint, clientId };
  if (connectionString) return { kind: 'connection-string', connectionString };
  throw new ConfigurationError(
    `no connection for ${name}: set ${name} to a connection string or ${name}__${suffix} for a managed identity; ` +
      'on a laptop copy local.settings.sample.json to local.settings.json',
  );
}
