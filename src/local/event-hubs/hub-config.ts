import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { parseJsonWithComments } from '../json-with-comments.ts';
import { ConfigError } from './config-error.ts';

export interface HubConfig {
  readonly name: string;
  readonly partitionCount: number;
  /** Without `$Default`, which every hub has. */
  readonly consumerGroups: readonly string[];
}

/** What is served without a Config.json: the hubs and consumer groups of the app. */
export const DEFAULT_HUBS: readonly HubConfig[] = [
  { name: 'inference-requests', partitionCount: 4, consumerGroups: ['inference-consumer', 'monitor', 'shadow'] },
  { name: 'inference-requests-results', partitionCount: 4, consumerGroups: ['monitor'] },
  { name: 'inference-dead-letter', partitionCount: 4, consumerGroups: ['monitor', 'replay'] },
  { name: 'inference-labels', partitionCount: 2, consumerGroups: ['monitor'] },
];

const hubName = z
  .string()
  .regex(
    /^[a-z0-9]([a-z0-9._/-]{0,254}[a-z0-9])?$/i,
    'a name is letters, digits, dots, hyphens, underscores and slashes',
  );
const groupName = z.string().min(1).max(50);

const entity = z.object({
  Name: hubName,
  PartitionCount: z.coerce.number().int().min(1).max(32),
  ConsumerGroups: z.array(z.object({ Name: groupName })).nullish(),
});

const configFile = z.object({
  UserConfig: z.object({
    NamespaceConfig: z
      .array(
        z.object({
          Type: z.string().regex(/^eventhub$/i, 'only EventHub is served'),
          Name: z.string(),
          Entities: z.array(entity).min(1).max(10),
        }),
      )
      .length(1),
  }),
});

/**
 * Reads a Config.json of the official Event Hubs emulator, as leniently as that does: with a byte order mark, comments, trailing commas.
 * @throws ConfigError that names the file, the place in it, and what it takes.
 */
export function readHubConfig(path: string): HubConfig[] {
  let json: unknown;
  try {
    json = parseJsonWithComments(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new ConfigError(`cannot read ${path}: ${(error as Error).message}`);
  }
  return parseHubConfig(json, path);
}

/** @throws ConfigError */
export function parseHubConfig(json: unknown, path: string): HubConfig[] {
  const parsed = configFile.safeParse(json);
  if (!parsed.success) {
    const faults = parsed.error.issues.map(issue => `  ${issue.path.join('.') || '(top)'}: ${issue.message}`);
    throw new ConfigError(
      `${path} is not a Config.json as the Event Hubs emulator takes it (UserConfig.NamespaceConfig[0].Entities[]):\n${faults.join('\n')}`,
    );
  }
  const hubs = parsed.data.UserConfig.NamespaceConfig.flatMap(namespace => namespace.Entities).map(hub => ({
    name: hub.Name,
    partitionCount: hub.PartitionCount,
    consumerGroups: (hub.ConsumerGroups ?? [])
      .map(group => group.Name)
      .filter(name => name.toLowerCase() !== '$default'),
  }));
  refuseTwice(
    path,
    'hub',
    hubs.map(hub => hub.name),
  );
  for (const hub of hubs) refuseTwice(path, `consumer group of ${hub.name}`, hub.consumerGroups);
  return hubs;
}

function refuseTwice(path: string, what: string, names: readonly string[]): void {
  const seen = new Set<string>();
  for (const name of names) {
    if (seen.has(name.toLowerCase()))
      throw new ConfigError(`${path} has the ${what} "${name}" twice; letter case does not tell names apart`);
    seen.add(name.toLowerCase());
  }
}
