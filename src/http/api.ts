import type { JobService } from '../core/job-service.ts';
import type { Clock, Log } from '../core/log.ts';
import { batchHandlers } from './batch-jobs.ts';
import type { Handler, HttpReply, HttpRequest } from './http.ts';
import { OpenInference, type OpenInferenceOptions } from './open-inference.ts';
import { packed } from './packed.ts';
import { createPredict, type PredictOptions } from './predict.ts';
import type { RouteName } from './routes.ts';
import { describeFailure, reasonOf, replyTo } from './status.ts';
import { Turnstile } from './turnstile.ts';

export interface HttpApiOptions extends OpenInferenceOptions, PredictOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** Inferences under way at once; more are turned away at once. */
  readonly maxConcurrent: number;
  /** Metrics as Prometheus text. */
  prometheus(): Promise<string>;
  /** Batch jobs; opened when they are first asked for. */
  jobs(): Promise<JobService>;
  /** Told of every answer, for metrics. */
  recordHttp(route: string, status: number, durationMs: number): void;
}

export interface HttpApi {
  /** Answers a request that came by a route of `ROUTES`. Never throws. */
  answer(route: RouteName, request: HttpRequest): Promise<HttpReply>;
  /** Resolves once nothing is being answered. */
  settled(): Promise<void>;
}

export function createHttpApi(options: HttpApiOptions): HttpApi {
  const { clock, log } = options;
  const turnstile = new Turnstile(options.maxConcurrent);
  const inference = new OpenInference(options, turnstile);
  const handlers: Readonly<Record<RouteName, Handler>> = {
    'v2-server': inference.server,
    'v2-live': inference.live,
    'v2-ready': inference.ready,
    'v2-repository-index': inference.index,
    'v2-model': inference.model,
    'v2-model-version': inference.model,
    'v2-model-ready': inference.modelReady,
    'v2-model-version-ready': inference.modelReady,
    'v2-infer': inference.infer,
    'v2-infer-version': inference.infer,
    predict: createPredict(options, turnstile),
    ...batchHandlers(options.jobs),
    metrics: async request =>
      packed({ status: 200, headers: METRICS_HEADERS, body: await options.prometheus() }, request),
  };
  const underWay = new Set<Promise<HttpReply>>();
  async function answer(route: RouteName, request: HttpRequest): Promise<HttpReply> {
    const start = clock();
    let reason: string | undefined;
    const reply = await handlers[route](request).catch(thrown => {
      reason = reasonOf(thrown);
      return replyTo(route, thrown);
    });
    options.recordHttp(route, reply.status, clock() - start);
    if (reply.status >= 500) log.warn(`http: ${describeFailure(route, reply, reason)}`);
    return reply;
  }
  return {
    answer(route, request) {
      const answered = answer(route, request).finally(() => underWay.delete(answered));
      underWay.add(answered);
      return answered;
    },
    async settled() {
      while (underWay.size > 0) await Promise.all(underWay);
    },
  };
}

const METRICS_HEADERS = { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' };
