import { gunzipSync } from 'node:zlib';
import type { AmqpAnnotatedMessage } from '@azure/core-amqp';
import type { EventDataBatch } from '@azure/event-hubs';
import { z } from 'zod';
import { parseExactly } from '../core/exact-json.ts';
import type { HubReader, StoredEvent } from '../core/hub-reader.ts';
import { readRange } from '../core/read-range.ts';
import { withModelVersion } from './with-model-version.ts';

/** Which dead letters are meant; every condition that is given must hold. */
export interface ReplayFilter {
  readonly codes?: readonly string[] | undefined;
  readonly model?: string | undefined;
  /** As text, also where the producer gave a number, of as many digits as it gave. */
  readonly requestId?: string | undefined;
  /** Dead letters enqueued from this time on, milliseconds since the epoch. */
  readonly fromMs?: number | undefined;
  /** Dead letters enqueued before this time. */
  readonly toMs?: number | undefined;
}

/** What the SDK's producer client offers. */
export interface ReplayProducer {
  createBatch(options: { partitionKey?: string; abortSignal: AbortSignal }): Promise<EventDataBatch>;
  sendBatch(batch: EventDataBatch, options: { abortSignal: AbortSignal }): Promise<void>;
}

export interface ReplayOptions {
  /** Reads the dead-letter hub, by its own consumer group. */
  readonly deadLetters: HubReader;
  /** Sends to the requests hub. */
  readonly producer: ReplayProducer;
  readonly filter: ReplayFilter;
  /** Sends the requests to this version instead of the one they asked for. */
  readonly modelVersion?: string | undefined;
  /** MAX_ATTEMPTS: a request that was tried so often is left where it is. */
  readonly maxAttempts: number;
  /** Nothing is sent. */
  readonly dryRun: boolean;
  /** Told of every dead letter that the filter takes, before it is sent. */
  readonly onLetter?: ((letter: ReplayedLetter) => void) | undefined;
}

export interface ReplayedLetter {
  readonly resultId: string;
  readonly requestId: string | number;
  readonly model: string | undefined;
  readonly code: string;
  readonly message: string;
  readonly attempts: number;
  /** Why it is not sent; undefined where it is. */
  readonly left: ReasonLeft | undefined;
}

/** `came before`: the same dead letter a second time; `not one request`: it cannot be given another model version. */
export type ReasonLeft =
  | 'attempts used up'
  | 'body not kept whole'
  | 'properties not kept'
  | 'came before'
  | 'not one request';

export interface ReplayReport {
  readonly read: number;
  readonly matched: number;
  /** In a dry run, what would have been sent. */
  readonly sent: number;
  readonly left: Readonly<Record<string, number>>;
  /** Dead letters that the filter did not take, by code. */
  readonly others: Readonly<Record<string, number>>;
  /** Events in the dead-letter hub that are no dead letters. */
  readonly unreadable: number;
}

const letterSchema = z.looseObject({
  request_id: z.union([z.string(), z.number()]),
  result_id: z.string(),
  model: z.string().nullish(),
  error: z.looseObject({ code: z.string(), message: z.string().default('') }),
  attempts: z.number().int().min(1).default(1),
  source: z.looseObject({
    partition_key: z.string().nullish(),
    properties: z.record(z.string(), z.unknown()).default({}),
    properties_left_out: z.boolean().optional(),
    content_type: z.string().optional(),
    content_encoding: z.string().optional(),
  }),
  body: z.string().default(''), // where body_left_out says why
  body_encoding: z.enum(['utf-8', 'base64', 'gzip+base64']).default('utf-8'),
  body_truncated: z.boolean().optional(),
});
type Letter = z.infer<typeof letterSchema>;

interface Outgoing {
  readonly key: string | undefined;
  readonly message: AmqpAnnotatedMessage;
}

/** Result ids remembered to leave out repeats of one dead letter. */
const REMEMBERED = 1_000_000;

/**
 * Sends the requests of dead letters back to the requests hub as they were: body bytes, application properties, partition
 * key. Their `attempts` property counts on. Each run sends again what matches: narrow the time where runs repeat. A run that
 * breaks off may have sent a batch that it reports as failed.
 * @throws InfrastructureError, and what the producer throws.
 */
export async function replay(options: ReplayOptions, signal: AbortSignal): Promise<ReplayReport> {
  const { deadLetters, filter, dryRun, onLetter } = options;
  const seen = new Set<string>();
  const left: Record<string, number> = {};
  const others = new Map<string, number>();
  const counts = { read: 0, matched: 0, sent: 0, unreadable: 0 };
  const { partitions } = await deadLetters.describe(signal);
  // All ends before the first send: what is sent may come back as a dead letter of a partition that is read later.
  const ranges = await Promise.all(
    partitions.map(async partition => ({ partition, range: await deadLetters.range(partition, signal) })),
  );
  for (const { partition, range } of ranges) {
    for await (const block of readRange(deadLetters, partition, { timeMs: filter.fromMs }, signal, range)) {
      const outgoing: Outgoing[] = [];
      for (const stored of block) {
        counts.read++;
        const letter = readLetter(stored);
        if (!letter) {
          counts.unreadable++;
          continue;
        }
        if (!matches(letter, stored, filter)) {
          others.set(letter.error.code, (others.get(letter.error.code) ?? 0) + 1);
          continue;
        }
        counts.matched++;
        const request = seen.has(letter.result_id) ? { left: 'came before' as const } : requestOf(letter, options);
        if (seen.size < REMEMBERED) seen.add(letter.result_id);
        onLetter?.(describe(letter, 'left' in request ? request.left : undefined));
        if ('left' in request) left[request.left] = (left[request.left] ?? 0) + 1;
        else outgoing.push({ key: letter.source.partition_key ?? undefined, message: request.message });
      }
      if (!dryRun) await sendByKey(outgoing, options.producer, signal);
      counts.sent += outgoing.length;
    }
  }
  return { ...counts, left, others: Object.fromEntries(others) };
}

function readLetter(event: StoredEvent): Letter | undefined {
  try {
    return letterSchema.safeParse(parseExactly(event.body.toString('utf8'))).data;
  } catch {
    return undefined;
  }
}

function matches(letter: Letter, { enqueuedAtMs }: StoredEvent, filter: ReplayFilter): boolean {
  const { codes, model, requestId, fromMs, toMs } = filter;
  return (
    (codes === undefined || codes.includes(letter.error.code)) &&
    (model === undefined || letter.model === model) &&
    (requestId === undefined || String(letter.request_id) === requestId) &&
    (fromMs === undefined || enqueuedAtMs >= fromMs) &&
    (toMs === undefined || enqueuedAtMs < toMs)
  );
}

function requestOf(
  letter: Letter,
  { maxAttempts, modelVersion }: ReplayOptions,
): { readonly message: AmqpAnnotatedMessage } | { readonly left: ReasonLeft } {
  if (letter.attempts >= maxAttempts) return { left: 'attempts used up' };
  if (letter.body_truncated || letter.body_left_out !== undefined) return { left: 'body not kept whole' };
  const { partition_key, properties, properties_left_out, content_type, content_encoding } = letter.source;
  if (properties_left_out) return { left: 'properties not kept' };
  const original = bodyOf(letter);
  const body = modelVersion === undefined ? original : withModelVersion(original, modelVersion);
  if (!body) return { left: 'not one request' };
  return {
    message: {
      body,
      bodyType: 'data',
      // Packed bytes say so; a body that was rewritten is plain JSON.
      properties: body === original ? { contentType: content_type, contentEncoding: content_encoding } : {},
      // The SDK puts a batch's key on plain events, not on annotated messages, and a partition is chosen only with a header.
      ...(partition_key == null
        ? {}
        : { messageAnnotations: { 'x-opt-partition-key': partition_key }, header: { durable: true } }),
      applicationProperties: { ...withoutNulls(properties), attempts: letter.attempts + 1 },
    },
  };
}

function bodyOf({ body, body_encoding }: Letter): Buffer {
  if (body_encoding === 'utf-8') return Buffer.from(body, 'utf8');
  const bytes = Buffer.from(body, 'base64');
  return body_encoding === 'base64' ? bytes : gunzipSync(bytes);
}

function withoutNulls(properties: Readonly<Record<string, unknown>>): Record<string, string | number | boolean> {
  const isValue = (value: unknown) => ['string', 'number', 'boolean'].includes(typeof value);
  return Object.fromEntries(Object.entries(properties).filter(([, value]) => isValue(value))) as Record<string, string>;
}

/** In the order they came, those of one key together: a batch has one partition key. */
async function sendByKey(outgoing: readonly Outgoing[], producer: ReplayProducer, signal: AbortSignal): Promise<void> {
  const byKey = new Map<string | undefined, AmqpAnnotatedMessage[]>();
  for (const { key, message } of outgoing) byKey.set(key, [...(byKey.get(key) ?? []), message]);
  for (const [partitionKey, messages] of byKey) {
    const open = () =>
      producer.createBatch({ ...(partitionKey === undefined ? {} : { partitionKey }), abortSignal: signal });
    let batch = await open();
    for (const message of messages) {
      if (batch.tryAdd(message)) continue;
      await producer.sendBatch(batch, { abortSignal: signal });
      batch = await open();
      if (!batch.tryAdd(message)) throw new Error('a request is too large to be sent again');
    }
    await producer.sendBatch(batch, { abortSignal: signal });
  }
}

function describe(letter: Letter, left: ReasonLeft | undefined): ReplayedLetter {
  const { request_id, result_id, model, error, attempts } = letter;
  return {
    resultId: result_id,
    requestId: request_id,
    model: model ?? undefined,
    code: error.code,
    message: error.message,
    attempts,
    left,
  };
}
