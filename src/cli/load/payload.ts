import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { asError } from '../../core/errors.ts';
import { fromUtf8 } from '../../core/utf8.ts';
import { ANSWER_BYTES, MAX_EVENT_BYTES, MAX_RESULT_BYTES } from '../pack-lines.ts';
import { CommandError } from '../terminal.ts';

/** What requests are made of. */
export interface Payload {
  /** For people: where it comes from. */
  readonly says: string;
  /** Undefined where the requests name several. */
  readonly model: string | undefined;
  /** The body of the n-th request. @param id goes in as request_id; without a quote or backslash */
  body(n: number, id: string): Buffer;
  /** The n-th request without its id. */
  parts(n: number): RequestParts;
}

/** JSON of a request's features, and of all that stands beside them. */
interface RequestParts {
  readonly features: string;
  readonly rest: string;
}

export interface RequestDefaults {
  /** For requests that name none. */
  readonly model?: string | undefined;
  readonly version?: string | undefined;
}

const SAMPLES = fileURLToPath(new URL('../../../samples/requests', import.meta.url));

/** The requests that come with a sample model; undefined where there is no such model. */
export function sampleCases(model: string): string | undefined {
  const file = join(SAMPLES, `${model}.jsonl`);
  return /^[\w-]+$/.test(model) && existsSync(file) ? file : undefined;
}

/**
 * Requests from a JSON lines file, over and over: as `send` takes them, or a model's cases.jsonl. Their ids are replaced, what is expected of
 * them is left out.
 * @throws CommandError that names the line.
 */
export function payloadFromCases(file: string, says: string, defaults: RequestDefaults): Payload {
  const text = fromUtf8(readFileSync(file));
  if (text === undefined) throw new CommandError(`${says} is not UTF-8 text`, 'Save it as UTF-8.');
  const lines = text.replace(/^\uFEFF/, '').split('\n');
  const models = new Set<string | undefined>();
  const requests = lines.flatMap((line, at) => {
    if (line.trim() === '') return [];
    const request = readCase(line, `${says}, line ${at + 1}`, defaults);
    models.add(request.model as string | undefined);
    return [request];
  });
  if (requests.length === 0) throw new CommandError(`${says} is empty`, 'One request a line is needed.');
  const tails = requests.map(tailOf);
  const parts = requests.map(partsOf);
  return {
    says: `${says} (${tails.length} ${tails.length === 1 ? 'case' : 'cases'})`,
    model: models.size === 1 ? [...models][0] : undefined,
    body: (n, id) => bodyOf(id, tails[n % tails.length] as string),
    parts: n => parts[n % parts.length] as RequestParts,
  };
}

/** Requests with made-up features. @param features makes those of one request */
export function payloadFromGenerator(says: string, defaults: RequestDefaults, features: () => unknown): Payload {
  const { model, version } = defaults;
  const named = { ...(model && { model }), ...(version && { model_version: version }) };
  return {
    says,
    model,
    body: (_, id) => bodyOf(id, tailOf({ ...named, features: features() })),
    parts: () => partsOf({ ...named, features: features() }),
  };
}

/**
 * The same, so many rows to a request.
 * @param answerBytes what the answer to a row takes at most
 * @throws CommandError where the requests say different things beside their features, or the event or its result would be too large.
 */
export function packed(payload: Payload, rows: number, answerBytes = ANSWER_BYTES): Payload {
  const most = Math.max(1, Math.floor(MAX_RESULT_BYTES / answerBytes));
  if (rows > most)
    throw new CommandError(`the result of ${rows} rows may be too large for an event`, `Take --pack ${most} at most.`);
  const pack = (n: number, id: string): Buffer => {
    const parts = Array.from({ length: rows }, (_, i) => payload.parts(n * rows + i));
    const rest = parts[0]?.rest.slice(1, -1) ?? '';
    if (parts.some(part => part.rest.slice(1, -1) !== rest)) {
      throw new CommandError('the rows of a pack ask for different models or versions', 'Give cases of one model.');
    }
    const ids = parts.map((_, i) => `"${i}"`).join(',');
    const features = parts.map(part => part.features).join(',');
    return Buffer.from(
      `{"request_id":"${id}",${rest}${rest && ','}"ids":[${ids}],"on_error":"skip","features":[${features}]}`,
    );
  };
  const bytes = pack(0, '').length;
  if (bytes > MAX_EVENT_BYTES) {
    const fitting = Math.max(1, Math.floor((rows * MAX_EVENT_BYTES) / bytes));
    throw new CommandError(
      `${rows} rows are ${bytes} bytes, too large for an event`,
      `Take --pack ${fitting} at most.`,
    );
  }
  return { says: `${payload.says}, ${rows} rows a pack`, model: payload.model, body: pack, parts: payload.parts };
}

function readCase(line: string, where: string, { model, version }: RequestDefaults): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (thrown) {
    throw new CommandError(`${where}: not JSON (${asError(thrown).message})`, 'One request a line is needed.', {
      cause: thrown,
    });
  }
  if (typeof value !== 'object' || value === null || !('features' in value)) {
    throw new CommandError(
      `${where}: no field "features"`,
      'Each line is one request, such as {"features":[5.1,3.5]}.',
    );
  }
  const { request_id: _id, expected: _expected, ...request } = value as Record<string, unknown>;
  if (model && (request.model ?? undefined) === undefined) request.model = model;
  if (version && (request.model_version ?? undefined) === undefined) request.model_version = version;
  return request;
}

function partsOf({ features, ...rest }: Record<string, unknown>): RequestParts {
  return { features: JSON.stringify(features), rest: JSON.stringify(rest) };
}

/** A request's JSON after its id; made once, since a body is made for every event. */
const tailOf = (request: Record<string, unknown>) => `",${JSON.stringify(request).slice(1)}`;
const bodyOf = (id: string, tail: string) => Buffer.from(`{"request_id":"${id}${tail}`);
