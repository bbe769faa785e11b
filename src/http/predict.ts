import { randomBytes } from 'node:crypto';
import { malformed } from '../core/errors.ts';
import type { Event, EventBatch } from '../core/event.ts';
import type { Clock } from '../core/log.ts';
import type { ScoredBatch } from '../core/scored-batch.ts';
import { createGather } from './gather.ts';
import { type HttpReply, type HttpRequest, json } from './http.ts';
import { packed } from './packed.ts';
import { readBody } from './read-body.ts';
import { headersOf, statusOf } from './status.ts';
import type { Turnstile } from './turnstile.ts';

export interface PredictOptions {
  /** Scoring: an ending at least for every event that is not passed over. @throws InfrastructureError, or the signal's reason. */
  score(batch: EventBatch, signal: AbortSignal): Promise<ScoredBatch>;
  /** Told of all endings, for metrics. */
  recordAsked(scored: ScoredBatch): void;
  readonly clock: Clock;
  readonly maxBodyBytes: number;
  readonly timeoutMs: number;
}

interface Asked {
  readonly model: string;
  readonly event: Event;
}

interface Ended {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** More wait for each other longer than they gain. */
const MAX_EVENTS_TOGETHER = 256;
/** What `curl -d` says of everything. */
const FORM = 'application/x-www-form-urlencoded';

/**
 * `POST /models/{name}:predict`: a body is what an event of the requests hub may be, with the model of the path; the answer is what would stand in the results hub.
 * A refused request is the protocol's error, with its code and its id.
 */
export function createPredict(options: PredictOptions, turnstile: Turnstile) {
  const { score, recordAsked, clock, maxBodyBytes, timeoutMs } = options;
  const instance = randomBytes(4).toString('hex');
  let sequenceNumber = 0;
  const ask = createGather<Asked, readonly Ended[]>({
    keyOf: ({ model }) => model,
    rowsOf: () => 1,
    maxRows: MAX_EVENTS_TOGETHER,
    async run(asked) {
      const events = asked.map(({ event }) => event);
      const batch = { hub: 'http', consumerGroup: '', partition: instance, events };
      const scored = await score(batch, AbortSignal.timeout(timeoutMs));
      recordAsked(scored);
      const placeOf = new Map(events.map((event, place) => [event, place]));
      const ended = asked.map((): Ended[] => []);
      for (let i = 0; i < scored.length; i++) ended[placeOf.get(scored.event(i)) as number]?.push(endedOf(scored, i));
      return ended;
    },
  });

  return (request: HttpRequest): Promise<HttpReply> =>
    turnstile.pass(async () => {
      const model = request.params.name as string;
      const body = Buffer.from(await readBody(request, maxBodyBytes));
      checkModel(body, model);
      const contentType = request.headers.get('content-type') ?? undefined;
      const event = {
        body,
        sequenceNumber: sequenceNumber++,
        enqueuedAtMs: clock(),
        partitionKey: undefined,
        contentType: contentType?.startsWith(FORM) ? undefined : contentType,
        contentEncoding: undefined,
        properties: { model },
      };
      return packed(replyOf(await ask({ model, event })), request);
    });
}

function endedOf(scored: ScoredBatch, ending: number): Ended {
  const arm = scored.arm(ending);
  const code = arm.code(scored.rowOf(ending));
  const body = scored.body(ending);
  if (code === undefined) return { status: 200, headers: {}, body };
  const { request_id, result_id, model, error } = JSON.parse(body.toString()) as Letter;
  const said = { error: error.message, code, request_id, result_id, model };
  return { status: statusOf(code), headers: headersOf(code), body: Buffer.from(JSON.stringify(said)) };
}

interface Letter {
  readonly request_id: unknown;
  readonly result_id: string;
  readonly model?: string;
  readonly error: { readonly message: string };
}

/** A body of several requests has a list of answers, in which each says for itself how it ended. */
function replyOf(ended: readonly Ended[]): HttpReply {
  const [first] = ended;
  if (first === undefined) return json(200, []);
  const headers = { 'content-type': 'application/json', ...first.headers };
  if (ended.length === 1) return { status: first.status, headers, body: first.body };
  const parts = ended.flatMap(({ body }, i) => [Buffer.from(i === 0 ? '[' : ','), body]);
  return { status: 200, headers: { 'content-type': 'application/json' }, body: Buffer.concat([...parts, CLOSE]) };
}

const CLOSE = Buffer.from(']');

/** The path says which model; a body that names another one was meant for it. @throws RequestError malformed_payload */
function checkModel(body: Buffer, model: string): void {
  if (!body.includes('"model"')) return;
  let parsed: unknown;
  try {
    parsed = JSON.parse(body.toString());
  } catch {
    return; // scoring says why
  }
  for (const request of Array.isArray(parsed) ? parsed : [parsed]) {
    const named = (request as { model?: unknown } | null)?.model;
    if (typeof named === 'string' && named !== model)
      throw malformed(`the body names model ${named}, the path ${model}`);
  }
}
