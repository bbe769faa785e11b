import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { type AppSettings, readJsonFile } from './app-settings.ts';
import { SetupError } from './errors.ts';
import { parseTimeSpan } from './time-span.ts';

const timeSpan = (fallback: string) =>
  z
    .string()
    .default(fallback)
    .transform((text, context) => {
      const milliseconds = parseTimeSpan(text);
      if (milliseconds !== undefined) return milliseconds;
      context.addIssue({ code: 'custom', message: `expected a time span like "00:05:00", got "${text}"` });
      return z.NEVER;
    });
/** As .NET reads it from a file or from the environment. */
const flag = (fallback: boolean) =>
  z
    .union(
      [
        z.boolean(),
        z
          .string()
          .trim()
          .toLowerCase()
          .pipe(z.enum(['true', 'false'])),
      ],
      'expected true or false',
    )
    .default(fallback)
    .transform(value => value === true || value === 'true');
const count = (fallback: number) => z.coerce.number().int().min(1).default(fallback);

const LONGEST_WAIT_MS = 10 * 60_000;

const eventHubsSchema = z
  .object({
    maxEventBatchSize: count(100),
    minEventBatchSize: count(1),
    maxWaitTime: timeSpan('00:01:00'),
    batchCheckpointFrequency: count(1),
    prefetchCount: z.coerce.number().int().min(0).default(300),
    enableCheckpointing: flag(true),
    // The real host's defaults are 30 s and 2 min; here a killed host's partitions should not lie idle that long.
    loadBalancingUpdateInterval: timeSpan('00:00:02'),
    partitionOwnershipExpirationInterval: timeSpan('00:00:10'),
    initialOffsetOptions: z
      .object({
        type: z
          .string()
          .transform(text => text.toLowerCase())
          .pipe(z.enum(['fromstart', 'fromend', 'fromenqueuedtime', '']))
          .default('fromstart'),
        enqueuedTimeUtc: z.string().optional(),
      })
      .prefault({}),
  })
  .refine(({ minEventBatchSize, maxEventBatchSize }) => minEventBatchSize <= maxEventBatchSize, {
    path: ['minEventBatchSize'],
    error: 'is greater than maxEventBatchSize',
  })
  .refine(({ maxWaitTime }) => maxWaitTime <= LONGEST_WAIT_MS, {
    path: ['maxWaitTime'],
    error: 'is longer than ten minutes',
  });

const LEAST_POLLING_MS = 100;
const MOST_MESSAGES = 32;

const queuesSchema = z
  .object({
    batchSize: z.coerce.number().int().min(1).max(MOST_MESSAGES).default(16),
    newBatchThreshold: z.coerce.number().int().min(0).optional(),
    maxDequeueCount: count(5),
    visibilityTimeout: timeSpan('00:00:00'),
    maxPollingInterval: timeSpan('00:01:00'),
    messageEncoding: z
      .string()
      .transform(text => text.toLowerCase())
      .pipe(z.enum(['base64', 'none']))
      .default('base64'),
  })
  .refine(({ maxPollingInterval }) => maxPollingInterval >= LEAST_POLLING_MS, {
    path: ['maxPollingInterval'],
    error: 'is shorter than 100 ms',
  })
  .transform(options => ({
    ...options,
    newBatchThreshold: options.newBatchThreshold ?? Math.floor(options.batchSize / 2) * availableParallelism(),
  }));

const hostJsonSchema = z.object({
  version: z.literal('2.0', { error: 'host.json needs "version": "2.0"' }),
  functionTimeout: timeSpan('00:30:00'),
  logging: z.object({ logLevel: z.record(z.string(), z.string()).default({}) }).prefault({}),
  extensions: z
    .object({
      http: z.object({ routePrefix: z.string().default('api') }).prefault({}),
      eventHubs: eventHubsSchema.prefault({}),
      queues: queuesSchema.prefault({}),
    })
    .prefault({}),
});

export type HostJson = z.infer<typeof hostJsonSchema>;
export type EventHubsOptions = HostJson['extensions']['eventHubs'];
export type QueuesOptions = HostJson['extensions']['queues'];

/**
 * host.json, with what `AzureFunctionsJobHost__a__b` settings put in its place, as the real host reads it.
 * @throws SetupError naming the file and every wrong value.
 */
export function readHostJson(folder: string, settings: AppSettings): HostJson {
  const path = join(folder, 'host.json');
  const content = readJsonFile(path);
  if (content === undefined)
    throw new SetupError(`there is no host.json in ${folder}: run the host in a function app's folder`);
  const parsed = hostJsonSchema.safeParse(overlay(content, settings));
  if (!parsed.success) throw new SetupError(`${path}: ${z.prettifyError(parsed.error)}`);
  return parsed.data;
}

const OVERLAY = 'azurefunctionsjobhost__';

function overlay(content: unknown, settings: AppSettings): unknown {
  const root = structuredClone(content) as Record<string, unknown>;
  for (const [name, value] of Object.entries(settings)) {
    if (value === undefined || !name.toLowerCase().startsWith(OVERLAY)) continue;
    const path = name.slice(OVERLAY.length).split('__');
    const last = path.pop() as string;
    let at = root;
    for (const part of path) {
      const key = existingKey(at, part);
      if (typeof at[key] !== 'object' || at[key] === null) at[key] = {};
      at = at[key] as Record<string, unknown>;
    }
    at[existingKey(at, last)] = value;
  }
  return root;
}

/** Configuration keys are case-insensitive. */
function existingKey(object: Record<string, unknown>, key: string): string {
  return Object.keys(object).find(name => name.toLowerCase() === key.toLowerCase()) ?? key;
}
