import { BlobServiceClient, type ContainerClient } from '@azure/storage-blob';
import { connectContainer } from '../../azure/connect-blobs.ts';
import { credentialOf } from '../../azure/credential.ts';
import { modelStorageConnection } from '../../config/connection.ts';
import type { Settings } from '../../config/settings.ts';
import { type Check, type Finding, fail, failure, ok, warn } from './check.ts';

/** Beyond these, tokens are refused (5 minutes) or times in results mislead. */
const SKEW_FAIL_MS = 4 * 60_000;
const SKEW_WARN_MS = 2_000;

/** The models container by listing and reading it, and this machine's clock against the service's. */
export function checkModelStorage(settings: Settings, clock: () => number = Date.now): Check {
  return {
    name: 'model storage',
    async run(signal) {
      const container = await connectContainer(modelStorageConnection(settings), settings.MODELS_CONTAINER);
      const where = `container ${settings.MODELS_CONTAINER} at ${new URL(container.url).host}`;
      try {
        const { date } = await container.getProperties({ abortSignal: signal });
        const skewMs = date ? clock() - date.getTime() : 0;
        return [await readOne(container, where, signal), judgeClock(skewMs)];
      } catch (thrown) {
        if ((thrown as { statusCode?: unknown }).statusCode !== 404) {
          return [failure(`${where} cannot be read`, thrown)];
        }
        return [
          fail(
            `${where} is not there`,
            'Push a model (`npx hubscore models push`), which makes it, or set MODELS_CONTAINER.',
          ),
        ];
      }
    },
  };
}

async function readOne(container: ContainerClient, where: string, signal: AbortSignal): Promise<Finding> {
  for await (const { name } of container.listBlobsFlat({ abortSignal: signal })) {
    await container.getBlobClient(name).download(0, 1, { abortSignal: signal });
    return ok(`${where} can be listed and read`);
  }
  return ok(`${where} can be listed, and is empty`);
}

/** The service's time is whole seconds, so a second is no skew. */
function judgeClock(skewMs: number): Finding {
  const offMs = Math.max(0, Math.abs(skewMs) - 1_000);
  const says = `this clock is ${(offMs / 1000).toFixed(0)} s ${skewMs > 0 ? 'ahead of' : 'behind'} the storage service's`;
  const fix = 'Let the machine set its clock by NTP (timedatectl set-ntp true).';
  if (offMs > SKEW_FAIL_MS) return fail(says, fix);
  return offMs > SKEW_WARN_MS ? warn(says, fix) : ok("this machine's clock agrees with the storage service's");
}

/** Where the Functions host keeps its checkpoints. */
export function checkHostStorage(variables: Readonly<Record<string, string | undefined>>): Check {
  return {
    name: 'host storage',
    async run(signal) {
      const service = await connectHostStorage(variables);
      if (!service) {
        return [
          warn(
            'AzureWebJobsStorage is not set here; the Functions host keeps its checkpoints there (`npm start` sets it itself)',
            'Copy local.settings.sample.json to local.settings.json; in Azure the deployment sets it.',
          ),
        ];
      }
      const where = `host storage ${new URL(service.url).host}`;
      try {
        await service.listContainers().byPage({ maxPageSize: 1 }).next();
        signal.throwIfAborted();
        return [ok(`${where} can be reached`)];
      } catch (thrown) {
        return [failure(`${where} cannot be listed`, thrown)];
      }
    },
  };
}

async function connectHostStorage(variables: Readonly<Record<string, string | undefined>>) {
  const options = { retryOptions: { maxTries: 2, retryDelayInMs: 300 } };
  const text = variables.AzureWebJobsStorage;
  if (text) return BlobServiceClient.fromConnectionString(text, options);
  const account = variables.AzureWebJobsStorage__accountName;
  const endpoint =
    variables.AzureWebJobsStorage__blobServiceUri ?? (account && `https://${account}.blob.core.windows.net`);
  if (!endpoint) return undefined;
  return new BlobServiceClient(endpoint, await credentialOf(variables.AzureWebJobsStorage__clientId), options);
}
