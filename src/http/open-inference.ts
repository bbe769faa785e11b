import { randomUUID } from 'node:crypto';
import type { Catalog } from '../core/catalog.ts';
import { RequestError } from '../core/errors.ts';
import type { Clock } from '../core/log.ts';
import type { ModelVersion } from '../core/model.ts';
import type { Ending, SliceTiming } from '../core/outcome.ts';
import type { Request } from '../core/request.ts';
import { NO_SEGMENTS } from '../core/routing.ts';
import { createGather } from './gather.ts';
import { type HttpReply, type HttpRequest, json } from './http.ts';
import { type InferenceRequest, readInferenceRequest, readRawRequest } from './inference-request.ts';
import { describeInputs, describeModel } from './metadata.ts';
import { type OutputPlan, planOutputs } from './output-plan.ts';
import { packed } from './packed.ts';
import { readBody } from './read-body.ts';
import { indexOf } from './repository-index.ts';
import { isTimeout, LIVE } from './status.ts';
import type { Turnstile } from './turnstile.ts';
import { writeAnswer } from './write-answer.ts';

export interface OpenInferenceOptions {
  readonly catalog: Catalog;
  /** Scoring: one ending for every request; what ran is added to `timings`. @throws InfrastructureError, or the signal's reason. */
  predict(requests: readonly Request[], signal: AbortSignal, timings: SliceTiming[]): Promise<readonly Ending[]>;
  /** Told of every ending, for metrics. */
  record(ending: Ending, receivedAtMs: number): void;
  /** Told of every slice that ran, for metrics. */
  recordSlices(slices: readonly SliceTiming[]): void;
  readonly clock: Clock;
  /** Of hubscore, for `GET /v2`. */
  readonly version: string;
  readonly maxBodyBytes: number;
  /** For requests that name no time-out, and the longest that one may name. */
  readonly timeoutMs: number;
}

/** A request of so many rows shares its run with no other: they would wait for it. */
const MAX_ROWS_TOGETHER = 256;

/** Open Inference Protocol v2 (the REST part of kserve/open-inference-protocol) by the same scoring as events, with Triton's binary tensors and its index of models. */
export class OpenInference {
  readonly #options: OpenInferenceOptions;
  readonly #turnstile: Turnstile;
  readonly #plans = new WeakMap<ModelVersion, readonly OutputPlan[]>();
  readonly #predict: (request: Request) => Promise<Ending>;

  constructor(options: OpenInferenceOptions, turnstile: Turnstile) {
    this.#options = options;
    this.#turnstile = turnstile;
    this.#predict = createGather<Request, Ending>({
      // Those that wait as long share a signal; one that waits for its model to load holds up nobody who asks for another.
      keyOf: ({ model, modelVersion, timeoutMs }) => JSON.stringify([model, modelVersion, timeoutMs]),
      rowsOf: ({ features }) => (features as InferenceRequest['features']).inputs[0]?.shape[0] ?? 1,
      maxRows: MAX_ROWS_TOGETHER,
      run: requests => this.#run(requests),
    });
  }

  readonly server = async (): Promise<HttpReply> =>
    json(200, { name: 'hubscore', version: this.#options.version, extensions: ['binary_tensor_data'] });

  readonly live = async (): Promise<HttpReply> => LIVE;

  /** Ready while models can be looked up; a broken model makes itself unready, not the server. */
  readonly ready = async (): Promise<HttpReply> => {
    const { catalog } = this.#options;
    await catalog.list();
    if (catalog.failure !== undefined) throw catalog.failure;
    return json(200, { ready: true });
  };

  readonly index = async (request: HttpRequest): Promise<HttpReply> => {
    const body = await readBody(request, this.#options.maxBodyBytes);
    return packed(json(200, indexOf(await this.#options.catalog.list(), body)), request);
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

  readonly infer = (request: HttpRequest): Promise<HttpReply> => this.#turnstile.pass(() => this.#infer(request));

  async #infer(request: HttpRequest): Promise<HttpReply> {
    const { clock, record } = this.#options;
    const receivedAtMs = clock();
    const inference = await this.#read(request);
    const timeoutMs = Math.min(inference.timeoutMs ?? this.#options.timeoutMs, this.#options.timeoutMs);
    const ending = await this.#predict(toRequest(request, inference, receivedAtMs, timeoutMs));
    record(ending, receivedAtMs);
    if (ending.kind === 'refused') throw ending.error;
    return packed(writeAnswer(ending, inference, this.#plansOf(ending.version)), request);
  }

  async #read(request: HttpRequest): Promise<InferenceRequest> {
    const body = await readBody(request, this.#options.maxBodyBytes);
    const jsonLength = jsonLengthOf(request);
    if (jsonLength !== 0) return readInferenceRequest(body, jsonLength);
    const { name, version } = request.params;
    const routing = await this.#options.catalog.routing(name, version);
    return readRawRequest(body, describeInputs((routing.route ?? routing.production).version));
  }

  async #run(requests: readonly Request[]): Promise<readonly Ending[]> {
    const { catalog, predict, recordSlices, timeoutMs: longestMs } = this.#options;
    const [first] = requests;
    const timings: SliceTiming[] = [];
    try {
      return await predict(requests, AbortSignal.timeout(Math.ceil(first?.timeoutMs ?? longestMs)), timings);
    } catch (thrown) {
      // Whoever comes again may be answered; that nothing was found in time says nothing of the model.
      throw isTimeout(thrown) && catalog.failure !== undefined ? catalog.failure : thrown;
    } finally {
      recordSlices(timings);
    }
  }

  #plansOf(version: ModelVersion): readonly OutputPlan[] {
    let plans = this.#plans.get(version);
    if (plans === undefined) {
      plans = planOutputs(version);
      this.#plans.set(version, plans);
    }
    return plans;
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

/** Set where tensors follow the JSON as bytes; 0 where all is one. */
function jsonLengthOf({ headers }: HttpRequest): number | undefined {
  const text = headers.get('inference-header-content-length');
  return text === null ? undefined : text.trim() === '' ? Number.NaN : Number(text);
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
