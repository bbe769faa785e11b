import type { RequestError } from '../core/errors.ts';
import type { Clock } from '../core/log.ts';
import type { ModelVersion, Route } from '../core/model.ts';
import type { Answered, Ending, SliceTiming } from '../core/outcome.ts';
import type { Request } from '../core/request.ts';
import type { Chunk } from './chunk.ts';
import type { Inference } from './infer/slices.ts';

/** Requests that one model version answers. */
export interface Group {
  readonly version: ModelVersion;
  /** In the run's requests, ascending. */
  readonly places: number[];
}

/** Requests that the model has answered, all of them, as it says it. */
export interface Uninterpreted {
  readonly chunk: Chunk;
  readonly inference: Inference;
}

/** One pass of requests through the stages: what they are, where each goes, how each has ended so far. */
export class Run {
  readonly requests: readonly Request[];
  readonly routes: (Route | undefined)[];
  readonly endings: Ending[];
  readonly slices: SliceTiming[] = [];
  /** What no ending has been made of yet: mostly the results are written without. */
  readonly uninterpreted: Uninterpreted[] = [];
  readonly signal: AbortSignal;
  readonly clock: Clock;

  constructor(requests: readonly Request[], clock: Clock, signal: AbortSignal) {
    this.requests = requests;
    this.routes = new Array(requests.length);
    this.endings = new Array(requests.length);
    this.clock = clock;
    this.signal = signal;
  }

  answer(
    place: number,
    version: ModelVersion,
    answer: Pick<Answered, 'predictions' | 'several' | 'modelMs' | 'scoredAtMs' | 'degraded' | 'cached'>,
  ): void {
    const route = this.routes[place] as Route;
    this.endings[place] = {
      kind: 'answered',
      version,
      predictions: answer.predictions,
      several: answer.several,
      requestedVersion: route.requestedVersion,
      fallback: route.fallback,
      variant: route.variant,
      degraded: answer.degraded,
      cached: answer.cached,
      scoredAtMs: answer.scoredAtMs,
      modelMs: answer.modelMs,
    };
  }

  refuse(place: number, error: RequestError): void {
    const route = this.routes[place];
    this.endings[place] = {
      kind: 'refused',
      error,
      version: route?.version,
      variant: route?.variant,
      failedAtMs: this.clock(),
    };
  }
}
