import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { Settings } from '../../config/settings.ts';
import { asError } from '../../core/errors.ts';
import { type Check, type Finding, fail, ok, warn } from './check.ts';

const schema = z.object({
  functionTimeout: z.string().optional(),
  extensions: z
    .object({
      http: z.object({ routePrefix: z.string().optional() }).optional(),
      eventHubs: z
        .object({
          maxEventBatchSize: z.number().default(100),
          minEventBatchSize: z.number().default(1),
          prefetchCount: z.number().default(300),
          batchCheckpointFrequency: z.number().default(1),
          initialOffsetOptions: z.object({ type: z.string().default('fromStart') }).optional(),
        })
        .optional(),
      queues: z.object({ batchSize: z.number().default(16), newBatchThreshold: z.number().optional() }).optional(),
    })
    .default({}),
});
type HostJson = z.infer<typeof schema>;

/** host.json of `folder` against the settings and against what the trigger can do. */
export function checkHostJson(folder: string, settings: Settings): Check {
  return {
    name: 'host.json',
    async run() {
      const path = join(folder, 'host.json');
      let host: HostJson;
      try {
        host = schema.parse(JSON.parse(readFileSync(path, 'utf8')));
      } catch (thrown) {
        const error = asError(thrown);
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
          return [warn(`${path} is not there, so it was not looked at`, 'Run this in the folder of the app.')];
        }
        return [fail(`${path}: ${error.message.split('\n')[0]}`, 'Compare it with the host.json of the repository.')];
      }
      const findings = [...times(host, settings), ...events(host, settings), ...queues(host), ...routes(host)];
      return findings.length > 0 ? findings : [ok('host.json fits the settings')];
    },
  };
}

function times({ functionTimeout }: HostJson, settings: Settings): Finding[] {
  const limit = seconds(functionTimeout ?? '00:30:00');
  if (limit === undefined) return [];
  return [
    settings.BATCH_DEADLINE_SECONDS >= limit &&
      fail(
        `BATCH_DEADLINE_SECONDS (${settings.BATCH_DEADLINE_SECONDS}) is not below functionTimeout (${limit} s): a slow batch kills the process with all others`,
        `Set BATCH_DEADLINE_SECONDS to ${Math.max(1, Math.floor(limit * 0.8))} or less, or functionTimeout higher.`,
      ),
    settings.FILL_HOLES_AFTER_SECONDS <= limit &&
      fail(
        `FILL_HOLES_AFTER_SECONDS (${settings.FILL_HOLES_AFTER_SECONDS}) is not above functionTimeout (${limit} s): events could be scored while a function still works on them`,
        `Set FILL_HOLES_AFTER_SECONDS to more than ${limit}.`,
      ),
    settings.MODEL_LOAD_TIMEOUT_SECONDS >= limit &&
      warn(
        `MODEL_LOAD_TIMEOUT_SECONDS (${settings.MODEL_LOAD_TIMEOUT_SECONDS}) is not below functionTimeout (${limit} s)`,
        'Set it lower, so that a slow load ends as model_unavailable and not as a killed process.',
      ),
  ].filter(finding => finding !== false);
}

function events({ extensions: { eventHubs } }: HostJson, settings: Settings): Finding[] {
  if (!eventHubs) {
    return [
      warn('host.json says nothing of Event Hubs: batches of 100', 'Take extensions.eventHubs of the repository.'),
    ];
  }
  const { maxEventBatchSize, minEventBatchSize, prefetchCount, batchCheckpointFrequency } = eventHubs;
  const start = eventHubs.initialOffsetOptions?.type ?? 'fromStart';
  return [
    minEventBatchSize > maxEventBatchSize &&
      fail('minEventBatchSize is above maxEventBatchSize', 'Set minEventBatchSize to 1.'),
    prefetchCount < maxEventBatchSize &&
      warn(
        `prefetchCount (${prefetchCount}) is below maxEventBatchSize (${maxEventBatchSize}): batches never fill`,
        `Set prefetchCount to ${4 * maxEventBatchSize}.`,
      ),
    maxEventBatchSize < 32 &&
      warn(
        `maxEventBatchSize is ${maxEventBatchSize}: one event costs 60 µs alone and under 1 µs in a batch of 256`,
        'Set maxEventBatchSize to 1000, as the host.json of the repository has it.',
      ),
    batchCheckpointFrequency > 1 &&
      warn(
        `batchCheckpointFrequency is ${batchCheckpointFrequency}: after a crash that many batches come again (and are recognised)`,
        'Set it to 1 unless checkpoints cost too much.',
      ),
    start !== 'fromStart' &&
      settings.INITIAL_POSITION === 'start' &&
      fail(
        `initialOffsetOptions is ${start}, INITIAL_POSITION is start: what lies before would be taken for a hole and scored`,
        'Set INITIAL_POSITION to batch, or initialOffsetOptions to fromStart.',
      ),
    start === 'fromStart' &&
      settings.INITIAL_POSITION === 'batch' &&
      warn(
        'initialOffsetOptions is fromStart, INITIAL_POSITION is batch: what a first start that fails leaves behind is not scored',
        'Set INITIAL_POSITION to start, or initialOffsetOptions to fromEnd.',
      ),
  ].filter(finding => finding !== false);
}

/** For the whole app: the chunks of batch jobs are its only queue. */
function queues({ extensions }: HostJson): Finding[] {
  const { batchSize = 16, newBatchThreshold = Math.ceil(batchSize / 2) } = extensions.queues ?? {};
  const atOnce = batchSize + newBatchThreshold;
  if (atOnce === 1) return [];
  return [
    warn(
      `an instance takes ${atOnce} chunks of batch jobs at once: beside the stream it has memory and processors for one`,
      'Set extensions.queues in host.json as the repository has it: batchSize 1, newBatchThreshold 0.',
    ),
  ];
}

function routes({ extensions: { http } }: HostJson): Finding[] {
  if (http?.routePrefix === '') return [];
  return [
    fail(
      `routePrefix is ${JSON.stringify(http?.routePrefix ?? 'api')}: clients of the Open Inference Protocol ask for /v2`,
      'Set extensions.http.routePrefix to "" in host.json.',
    ),
  ];
}

/** `hh:mm:ss`, perhaps with days before; undefined for `-1`, unlimited. */
function seconds(text: string): number | undefined {
  const match = /^(?:(\d+)\.)?(\d+):(\d+):(\d+)$/.exec(text);
  if (!match) return undefined;
  const [days = 0, hours = 0, minutes = 0, rest = 0] = match.slice(1).map(part => Number(part ?? 0));
  return ((days * 24 + hours) * 60 + minutes) * 60 + rest;
}
