import { parseArgs } from 'node:util';
import { z } from 'zod';
import { ConfigError } from './config-error.ts';

const port = (fallback: number, description: string) =>
  z.coerce.number().int().min(0).max(65535).default(fallback).describe(description);

const schema = z.object({
  EVENTHUBS_PORT: port(5672, 'AMQP port; 0: any free one.'),
  EVENTHUBS_HEALTH_PORT: port(5300, 'HTTP port for GET /health and AMQP over WebSockets; 0: any free one.'),
  KAFKA_PORT: port(9092, 'Port for the Kafka protocol; 0: any free one.'),
  EVENTHUBS_HOST: z
    .string()
    .optional()
    .describe('Address to listen on; absent: this machine only (127.0.0.1 and ::1).'),
  EVENTHUBS_RETENTION_HOURS: z.coerce.number().positive().default(168).describe('Events older than this are dropped.'),
  EVENTHUBS_RETENTION_MB: z.coerce.number().positive().default(1024).describe('What a partition keeps at most.'),
  EVENTHUBS_SEGMENT_MB: z.coerce
    .number()
    .positive()
    .default(16)
    .describe('Size of a segment file; retention drops whole ones.'),
  EVENTHUBS_FSYNC: z
    .stringbool()
    .default(false)
    .describe('fdatasync before a send is acknowledged: survives a power cut, too, and is slow.'),
  EVENTHUBS_EVENTS_PER_SECOND: z.coerce
    .number()
    .positive()
    .optional()
    .describe('Events taken a second, as throughput units allow; the rest is refused as server-busy. Absent: all.'),
  EVENTHUBS_TOKEN_SECONDS: z.coerce
    .number()
    .positive()
    .default(Number.MAX_SAFE_INTEGER)
    .describe('A token holds no longer than this, whatever it says.'),
  EVENTHUBS_IDLE_SECONDS: z.coerce
    .number()
    .positive()
    .default(600)
    .describe('Links of senders that sent nothing for so long are ended.'),
  LOCAL_DATA_DIR: z.string().min(1).default('.local').describe('Data go into its folder event-hubs.'),
});

export type EndpointSettings = z.infer<typeof schema> & { readonly config: string | undefined };

/** @throws ConfigError that names the setting or option and what it takes. */
export function readSettings(environment: NodeJS.ProcessEnv, args: string[]): EndpointSettings {
  let config: string | undefined;
  try {
    config = parseArgs({ args, options: { config: { type: 'string' } } }).values.config;
  } catch (error) {
    throw new ConfigError(`${(error as Error).message}\nusage: npm run eventhubs [-- --config Config.json]`);
  }
  const set = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
  const parsed = schema.safeParse(set);
  if (parsed.success) return { ...parsed.data, config };
  const faults = parsed.error.issues.map(
    issue => `${issue.path.join('.')}=${environment[String(issue.path[0])]}: ${issue.message}`,
  );
  throw new ConfigError(`settings are wrong:\n  ${faults.join('\n  ')}`);
}
