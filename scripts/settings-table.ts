/** Prints docs/settings.md from the settings' schema: `npx --no node scripts/settings-table.ts > docs/settings.md`. */
import { z } from 'zod';
import { settingsSchema } from '../src/config/settings.ts';

interface Property {
  readonly description?: string;
  readonly default?: unknown;
}

/** Headings, each before the setting that it names; in the order of the schema. */
const GROUPS: Readonly<Record<string, string>> = {
  REQUESTS_HUB: 'Hubs',
  ModelStorage: 'Models',
  WORKER_THREADS: 'Inference',
  CACHE_ENTRIES: 'Result cache',
  HTTP_AUTH_LEVEL: 'HTTP',
  APPLICATIONINSIGHTS_CONNECTION_STRING: 'Telemetry',
  RECOVERY_CONSUMER_GROUPS: 'Endings: ledger, sends, outages',
  MAX_ATTEMPTS: 'Replays and time-outs',
};

/** Of settings without a default; a test holds that the schema takes them. */
export const EXAMPLES: Readonly<Record<string, string>> = {
  EventHubs: 'Endpoint=sb://localhost:5672;SharedAccessKeyName=…;SharedAccessKey=…',
  EventHubs__fullyQualifiedNamespace: 'evhns-mine.servicebus.windows.net',
  EventHubs__clientId: '00000000-0000-0000-0000-000000000000',
  EventHubs__credential: 'managedidentity',
  ModelStorage: 'UseDevelopmentStorage=true',
  ModelStorage__blobServiceUri: 'https://stmodels.blob.core.windows.net',
  ModelStorage__clientId: '00000000-0000-0000-0000-000000000000',
  ModelStorage__credential: 'managedidentity',
  DEFAULT_MODEL: 'churn',
  SCHEMA_REGISTRY: 'evhns-mine.servicebus.windows.net',
  SCHEMA_REGISTRY_AUTH: '<key>:<secret>',
  MODEL_CACHE_DIR: '/tmp/models',
  LOCAL_DATA_DIR: '.local',
  WORKER_THREADS: '1',
  REDIS_URL: 'rediss://redis-mine.westeurope.redis.azure.net:10000',
  REDIS_CLIENT_ID: '00000000-0000-0000-0000-000000000000',
  APPLICATIONINSIGHTS_CONNECTION_STRING: 'InstrumentationKey=…;IngestionEndpoint=https://…',
  APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'Authorization=AAD;ClientId=…',
  REPLAY_SCHEDULE: '0 0 * * * *',
  REQUEST_TIMEOUT_MS: '60000',
};

/** The page as Markdown; a test holds it against the file. */
export function settingsPage(): string {
  const schema = z.toJSONSchema(settingsSchema, { io: 'input' }) as { properties: Record<string, Property> };
  const rows = Object.entries(schema.properties).flatMap(([name, { description, default: fallback }]) => {
    const group = GROUPS[name];
    const heading =
      group === undefined
        ? []
        : ['', `## ${group}`, '', '| setting | takes | default, or `e.g.` | what it does |', '|---|---|---|---|'];
    const example = EXAMPLES[name] === undefined ? '' : `e.g. \`${EXAMPLES[name]}\``;
    return [
      ...heading,
      `| \`${name}\` | ${takes(name)} | ${fallback === undefined ? example : `\`${fallback}\``} | ${description} |`,
    ];
  });
  return [
    '# Settings',
    '',
    'Environment variables on a laptop (or `Values` in `local.settings.json`), app settings in Azure. Made from `src/config/settings.ts` by `npx --no node scripts/settings-table.ts > docs/settings.md`.',
    '',
    'Several names are separated by commas. Where a setting does not parse, the functions are registered all the same, with the defaults: requests then wait in their hub, every try says in the log which settings are wrong and what they take, `/v2/health/ready` answers 503, and so does all other HTTP, with the same sentence. Values are never told. Commands end at once with it.',
    ...rows,
    '',
  ].join('\n');
}

/** What a setting takes, in the words of its own fault. */
function takes(name: string): string {
  const field = (settingsSchema.shape as Record<string, z.ZodType>)[name];
  const message = ['no such thing', ''].map(value => field?.safeParse(value).error?.issues[0]?.message).find(Boolean);
  return message === undefined || message === 'takes a text that is not empty'
    ? 'text'
    : message.replace(/^takes /, '').replaceAll('|', '\\|');
}

if (import.meta.main) process.stdout.write(settingsPage());
