import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { readSettings, type Settings } from '../config/config.ts';
import { asError, ConfigurationError } from '../core/errors.ts';
import { parseJsonWithComments } from './json-with-comments.ts';

type Variables = Readonly<Record<string, string | undefined>>;

const AZURITE_KEY = 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==';

/**
 * The settings a command works with: the environment, then the `Values` of local.settings.json in `folder`, and the
 * local stack (EVENTHUBS_PORT, STORAGE_PORT) where neither says how to reach a service.
 * @throws ConfigurationError where the file cannot be read or a setting is wrong.
 */
export function commandSettings(environment: Variables, folder: string): Settings {
  return readSettings(commandVariables(environment, folder));
}

/** The local.settings.json of this folder, else of the nearest one above that is a functions app: beside its host.json. */
export function localSettingsFile(folder: string): string {
  for (let at = resolve(folder); ; at = dirname(at)) {
    const file = join(at, 'local.settings.json');
    if (existsSync(file) && (at === resolve(folder) || existsSync(join(at, 'host.json')))) return file;
    if (at === dirname(at)) return join(folder, 'local.settings.json');
  }
}

/**
 * What whoever deployed must know, and does not see: the settings file still names this machine, so commands do not speak to what azd made. Undefined
 * where that is not so.
 */
export function staleLocalSettings(environment: Variables, folder: string): string | undefined {
  if (connects(environment, 'EventHubs')) return undefined;
  const file = localSettingsFile(folder);
  if (!existsSync(join(dirname(file), '.azure', 'config.json'))) return undefined;
  const { EventHubs } = readLocalSettings(file);
  if (!/^Endpoint=sb:\/\/(?:localhost|127\.0\.0\.1)\b/.test(EventHubs ?? '')) return undefined;
  return `${file} names this machine, not what azd deployed: move it away and run \`azd hooks run postprovision\``;
}

/** The same before they are read: with what only the Functions host knows, such as AzureWebJobsStorage. @throws ConfigurationError where the file cannot be read. */
export function commandVariables(environment: Variables, folder: string): Variables {
  const set = Object.entries(environment).filter(([, value]) => value);
  const variables: Record<string, string | undefined> = Object.fromEntries(set);
  // A connection string in the environment must not meet the identity that the file gives for the same service.
  const decided = ['EventHubs', 'ModelStorage', 'BatchStorage', 'AzureWebJobsStorage'].filter(service =>
    connects(variables, service),
  );
  for (const [name, value] of Object.entries(readLocalSettings(localSettingsFile(folder)))) {
    if (!decided.includes(name.split('__')[0] as string)) variables[name] ??= value;
  }
  if (!connects(variables, 'EventHubs')) variables.EventHubs = localEventHubs(variables.EVENTHUBS_PORT ?? '5672');
  if (!connects(variables, 'ModelStorage')) {
    variables.ModelStorage = localStorage(variables);
    // Jobs of another account are not to land in the local queue.
    if (!connects(variables, 'AzureWebJobsStorage')) variables.AzureWebJobsStorage = variables.ModelStorage;
  }
  return variables;
}

const connects = (variables: Variables, service: string) =>
  ['', '__fullyQualifiedNamespace', '__blobServiceUri', '__queueServiceUri', '__accountName'].some(
    suffix => variables[`${service}${suffix}`],
  );

function localEventHubs(port: string): string {
  return `Endpoint=sb://localhost:${port};SharedAccessKeyName=RootManageSharedAccessKey;SharedAccessKey=SAS_KEY_VALUE;UseDevelopmentEmulator=true;`;
}

/** The account and key are those that Azurite documents for everyone. */
function localStorage({ STORAGE_PORT: port = '10000', STORAGE_QUEUE_PORT: queuePort = '10001' }: Variables): string {
  return `DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey=${AZURITE_KEY};BlobEndpoint=http://127.0.0.1:${port}/devstoreaccount1;QueueEndpoint=http://127.0.0.1:${queuePort}/devstoreaccount1;`;
}

function readLocalSettings(file: string): Record<string, string> {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw new ConfigurationError(`${file}: ${asError(thrown).message}`, { cause: thrown });
  }
  let settings: { IsEncrypted?: unknown; Values?: Record<string, unknown> };
  try {
    settings = parseJsonWithComments(text) as typeof settings;
  } catch (thrown) {
    const [where = ''] = /\(line \d+ column \d+\)/.exec(asError(thrown).message) ?? []; // the rest may quote the file: it has keys
    throw new ConfigurationError(`${file}: not JSON ${where}`.trim());
  }
  if (settings.IsEncrypted === true) {
    throw new ConfigurationError(`${file} is encrypted: run \`func settings decrypt\`, or set the variables yourself`);
  }
  return Object.fromEntries(Object.entries(settings.Values ?? {}).map(([name, value]) => [name, String(value)]));
}
