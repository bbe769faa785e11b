import { QueueClient, RestError, type StoragePipelineOptions } from '@azure/storage-queue';
import type { Connection } from '../config/connection.ts';
import { asError, InfrastructureError } from '../core/errors.ts';
import type { WorkQueue } from '../core/work-queue.ts';
import { credentialOf } from './credential.ts';

const PIPELINE: StoragePipelineOptions = {
  retryOptions: { maxTries: 4, retryDelayInMs: 200, maxRetryDelayInMs: 2_000 },
};

/** A queue of a storage account, whose messages are JSON in base64, as the Functions host reads them. The client is made on first use. */
export function createWorkQueue(connection: Connection, name: string): WorkQueue {
  let connecting: Promise<QueueClient> | undefined;
  const queue = () => {
    connecting ??= connectQueue(connection, name).catch(thrown => {
      connecting = undefined;
      throw thrown;
    });
    return connecting;
  };
  return {
    async send(message, signal, delaySeconds = 0) {
      const text = Buffer.from(JSON.stringify(message)).toString('base64');
      const options = { visibilityTimeout: Math.max(0, Math.round(delaySeconds)), abortSignal: signal };
      try {
        const client = await queue();
        try {
          await client.sendMessage(text, options);
        } catch (thrown) {
          // The host never makes the queue that it reads.
          if (!(thrown instanceof RestError && thrown.code === 'QueueNotFound')) throw thrown;
          await client.createIfNotExists({ abortSignal: signal });
          await client.sendMessage(text, options);
        }
      } catch (thrown) {
        if (signal.aborted) throw thrown;
        const cause = asError(thrown);
        throw new InfrastructureError(`sending to queue ${name}: ${cause.message.split('\n')[0] || cause.name}`, {
          cause,
        });
      }
    },
  };
}

/** A client of a queue. */
export async function connectQueue(connection: Connection, name: string): Promise<QueueClient> {
  if (connection.kind === 'connection-string') return new QueueClient(connection.connectionString, name, PIPELINE);
  const url = new URL(name, `${connection.endpoint.replace(/\/+$/, '')}/`).href;
  return new QueueClient(url, await credentialOf(connection.clientId), PIPELINE);
}
