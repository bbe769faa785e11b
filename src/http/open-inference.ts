import { randomUUID } from 'node:crypto';
import type { Catalog } from '../core/catalog.ts';
import { RequestError } from '../core/errors.ts';
import type { Clock } from '../core/log.ts';
import type { Answered, Ending } from '../core/outcome.ts';
import type { Request } from '../core/request.ts';
import { NO_SEGMENTS } from '../core/routing.ts';
import { type HttpReply, type HttpRequest, json, problem } from './http.ts';
import { type InferenceRequest, readInferenceRequest } from './inference-request.ts';
import { describeModel } from './metadata.ts';
import { planOutputs } from './output-plan.ts';
import { toTensors } from './output-tensors.ts';
import { busy, isTimeout, LIVE } from './status.ts';

export interface OpenInferenceOptions {
  readonly catalog: Catalog;
  /** Scoring: one ending for every request. @throws InfrastructureError, or the signal's reason. */
  predict(requests: readonly Request[], signal: AbortSignal): Promise<readonly Ending[]>;
  /** Told of every ending, for metrics. */
  record(ending: Ending, receivedAtMs: number): void;
  readonly clock: Clock;
  /** Of hubscore, for `GET /v2`. */
  readonly version: string;
  readonly maxBodyBytes: number;
  /** Inferences under way at once; more are turned away at once, so that none waits for nothing. */
  readonly maxConcurrent: number;
  /** For requests that name no time-out, and the longest that one may name. */
  readonly timeoutMs: number;
}

/** Open Inference Protocol v2 (the REST part of kserve/open-inference-protocol) by the same scoring as events. */
export class OpenInference {
  readonly #options: OpenInferenceOptions;
  #running = 0;

  constructor(options: OpenInferenceOptions) {
    this.#options = options;
  }

  readonly server = async (): Promise<HttpReply> =>
    json(200, { name: 'hubscore', version: this.#options.version, extensions: [] });

  readonly live = async (): Promise<HttpReply> => LIVE;

  /** Ready while models can be looked up; a broken model makes itself unready, not the server. */
  readonly ready = async (): Promise<HttpReply> => {
    const { catalog } = this.#options;
    await catalog.list();
    if (catalog.failure !== undefined) throw catalog.failure;
    return json(200, { ready: true });
  };

  readonly model = async ({ params }: HttpRequest): Promise<HttpReply> => {
    const version = await this.#find(params);
    const summaries = await this.#options.catalog.list();
    const summary = summaries.find(({ name }) => name === version.name);
    return json(200, describeModel(version, summary));
  };

  /** Loads the version where it is not: ready means that the next request is answered by it. */
  readonly modelReady = async ({ params }: HttpRequest): Promise<HttpReply> => {
    const { name } = await this.#find(params);
    return json(200, { name, ready: true });
  };

  readonly infer = async (request: HttpRequest): Promise<HttpReply> => {
    const { maxConcurrent } = this.#options;
    if (this.#running >= maxConcurrent) return busy(`${maxConcurrent} inferences are under way already`);
    this.#running++;
    try {
      return await this.#infer(request);
    } finally {
      this.#running--;
    }
  };

  async #infer(request: HttpRequest): Promise<HttpReply> {
    const { clock, predict, record, maxBodyBytes } = this.#options;
    const receivedAtMs = clock();
    const body = await request.arrayBuffer();
    if (body.byteLength > maxBodyBytes) return problem(413, `the body may have ${maxBodyBytes} bytes`);
    const inference = readInferenceRequest(new Uint8Array(body), jsonLengthOf(request));
    const timeoutMs = Math.min(inference.timeoutMs ?? this.#options.timeoutMs, this.#options.timeoutMs);
    const asked = toRequest(request, inference, receivedAtMs, timeoutMs);
    const [ending] = await predict([asked], AbortSignal.timeout(Math.ceil(timeoutMs))).catch(thrown => {
      const { failure } = this.#options.catalog;
      // Whoever comes again may be answered; that nothing was found in time says nothing of the model.
      throw isTimeout(thrown) && failure !== undefined ? failure : thrown;
    });
    if (ending === undefined) throw new RequestError('unexpected', 'infer', 'scoring gave no ending');
    record(ending, receivedAtMs);
    if (ending.kind === 'refused') throw ending.error;
    return json(200, toAnswer(ending, inference));
  }

  /** The version that a path names. @throws RequestError unknown_model where it is not there, though a request for it would be answered by another. */
  async #find({ name, version }: Readonly<Record<string, string>>) {
    const routing = await this.#options.catalog.routing(name, version);
    const route = routing.route ?? routing.production;
    if (route.fallback && version !== undefined) {
      throw new RequestError('unknown_model', 'route', `${name} has no version ${version} that can serve`);
    }
    return route.version;
  }
}

/** Set where tensors follow the JSON as bytes. */
function jsonLengthOf({ headers }: HttpRequest): number | undefined {
  const text = headers.get('inference-header-content-length');
  return text === null ? undefined : Number(text);
}

function toRequest(
  { params }: HttpRequest,
  { id, features, ids, onError, priority, routingKey }: InferenceRequest,
  enqueuedAtMs: number,
  timeoutMs: number,
): Request {
  const resultId = `http/${randomUUID()}`;
  return {
    resultId,
    requestId: id,
    model: params.name,
    modelVersion: params.version,
    features,
    ids,
    onError,
    priority: priority ?? 1,
    enqueuedAtMs,
    timeoutMs,
    routingKey: routingKey ?? id ?? resultId,
    segments: NO_SEGMENTS,
  };
}

function toAnswer(ending: Answered, { id, ids, onError, outputs }: InferenceRequest): unknown {
  const { version, predictions, errors, requestedVersion, fallback, variant, cached, degraded } = ending;
  const plans = planOutputs(version);
  const missing = outputs?.find(name => !plans.some(plan => plan.name === name));
  if (missing !== undefined) {
    const names = plans.map(({ name }) => name).join(', ');
    throw new RequestError(
      'schema_mismatch',
      'validate',
      `output ${missing} is not there; ${version.name} has ${names}`,
    );
  }
  const wanted = outputs ? plans.filter(({ name }) => outputs.includes(name)) : plans;
  const said = {
    ...(fallback && { fallback, requested_version: requestedVersion }),
    ...(variant !== undefined && { variant }),
    ...(cached && { cached }),
    ...(degraded && { degraded }),
    ...(ids !== undefined && { ids }),
    ...(errors.length > 0 && { errors }),
  };
  return {
    model_name: version.name,
    model_version: version.label,
    id,
    ...(Object.keys(said).length > 0 && { parameters: said }),
    outputs: toTensors(wanted, predictions, onError === 'skip'),
  };
}
