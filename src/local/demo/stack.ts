import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Part, startPart } from './part.ts';
import type { StackPort } from './ports.ts';

/** Long enough for a cold machine that is busy with other things. */
const READY_MS = 60_000;
const AZURITE_KEY = 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==';

/** Folders under src/local with an entry file each. */
export type PartName = 'event-hubs' | 'storage' | 'functions-host';

export interface Stack {
  readonly eventHubs: string;
  readonly storage: string;
  readonly functionsPort: number;
  readonly kafkaPort: number;
}

/** Where the parts of a stack on these ports are found. */
export function addressesOf(ports: readonly StackPort[]): Stack {
  const port = (setting: string) => ports.find(candidate => candidate.setting === setting)?.port ?? 0;
  const blobs = `http://127.0.0.1:${port('STORAGE_PORT')}/devstoreaccount1`;
  const queues = `http://127.0.0.1:${port('STORAGE_QUEUE_PORT')}/devstoreaccount1`;
  return {
    eventHubs: `Endpoint=sb://localhost:${port('EVENTHUBS_PORT')};SharedAccessKeyName=RootManageSharedAccessKey;SharedAccessKey=SAS_KEY_VALUE;UseDevelopmentEmulator=true;`,
    storage: `DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey=${AZURITE_KEY};BlobEndpoint=${blobs};QueueEndpoint=${queues};`,
    functionsPort: port('FUNCTIONS_PORT'),
    kafkaPort: port('KAFKA_PORT'),
  };
}

/**
 * The host must speak to this stack alone: what the environment or local.settings.json says of other namespaces and accounts
 * is overruled.
 */
function hostEnvironment(stack: Stack, data: string): Record<string, string> {
  return {
    EventHubs: stack.eventHubs,
    EventHubs__fullyQualifiedNamespace: '',
    ModelStorage: stack.storage,
    ModelStorage__blobServiceUri: '',
    AzureWebJobsStorage: stack.storage,
    LOCAL_DATA_DIR: data,
  };
}

/** Starts one part; `local` is the folder that holds the parts' entry files. */
export function startStackPart(
  name: PartName,
  folders: { readonly local: string; readonly root: string; readonly data: string },
  stack: Stack,
): Part {
  const compiled = join(folders.local, name, 'main.js');
  return startPart({
    name,
    entry: existsSync(compiled) ? compiled : join(folders.local, name, 'main.ts'),
    environment: name === 'functions-host' ? hostEnvironment(stack, folders.data) : {},
    folder: folders.root,
    logFile: join(folders.data, 'logs', `${name}.log`),
    readyMs: READY_MS,
  });
}
