import { existsSync, writeFileSync } from 'node:fs';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Writes local.settings.json for work on this machine against the deployed namespace, signed in as the person who runs it.
 * @returns false where the file was there; it is never overwritten.
 */
export function writeLocalSettings(path: string, environment: Environment): boolean {
  if (existsSync(path)) return false;
  const settings = {
    IsEncrypted: false,
    Values: {
      FUNCTIONS_WORKER_RUNTIME: 'node',
      // Checkpoints stay on this machine, and the group is not the deployed app's: it keeps its partitions.
      AzureWebJobsStorage: 'UseDevelopmentStorage=true',
      CONSUMER_GROUP: 'local',
      EventHubs__fullyQualifiedNamespace: needed(environment, 'EventHubs__fullyQualifiedNamespace'),
      ModelStorage__blobServiceUri: needed(environment, 'ModelStorage__blobServiceUri'),
      MODELS_CONTAINER: needed(environment, 'MODELS_CONTAINER'),
    },
  };
  writeFileSync(path, `${JSON.stringify(settings, null, 2)}\n`, { flag: 'wx' });
  return true;
}

/** An output of the deployment is not there. */
export class NotProvisioned extends Error {}

/** @throws NotProvisioned that says where the value comes from. */
export function needed(environment: Environment, name: string): string {
  const value = environment[name];
  if (!value)
    throw new NotProvisioned(`${name} is not set: run this by \`azd provision\` or \`azd hooks run postprovision\``);
  return value;
}
