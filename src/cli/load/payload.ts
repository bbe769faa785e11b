import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { asError } from '../../core/errors.ts';
import { fromUtf8 } from '../../core/utf8.ts';
import { CommandError } from '../terminal.ts';

/** What requests are made of. */
export interface Payload {
  /** For people: where it comes from. */
  readonly says: string;
  /** Undefined where the requests name several. */
  readonly model: string | undefined;
  /** The body of the n-th request. @param id goes in as request_id; without a quote or backslash */
  body(n: number, id: string): Buffer;
}

export interface RequestDefaults {
  /** For requests that name none. */
  readonly model?: string | undefined;
  readonly version?: string | undefined;
}

const SAMPLES = resolve(import.meta.dirname, '../../../samples/requests');

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
  const tails = lines.flatMap((line, at) => {
    if (line.trim() === '') return [];
    const request = readCase(line, `${says}, line ${at + 1}`, defaults);
    models.add(request.model as string | undefined);
    return [tailOf(request)];
  });
  if (tails.length === 0) throw new CommandError(`${says} is empty`, 'One request a line is needed.');
  return {
    says: `${says} (${tails.length} ${tails.length === 1 ? 'case' : 'cases'})`,
    model: models.size === 1 ? [...models][0] : undefined,
    body: (n, id) => bodyOf(id, tails[n % tails.length] as string),
  };
}

/** Requests with made-up features. @param features makes those of one request */
export function payloadFromGenerator(says: string, defaults: RequestDefaults, features: () => unknown): Payload {
  const { model, version } = defaults;
  const named = { ...(model && { model }), ...(version && { model_version: version }) };
  return { says, model, body: (_, id) => bodyOf(id, tailOf({ ...named, features: features() })) };
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

/** A request's JSON after its id; made once, since a body is made for every event. */
const tailOf = (request: Record<string, unknown>) => `",${JSON.stringify(request).slice(1)}`;
const bodyOf = (id: string, tail: string) => Buffer.from(`{"request_id":"${id}${tail}`);
