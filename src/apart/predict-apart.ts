import { InfrastructureError, RequestError } from '../core/errors.ts';
import type { ModelVersion } from '../core/model.ts';
import type { Ending, SliceTiming } from '../core/outcome.ts';
import type { Request } from '../core/request.ts';
import { onceAborted } from '../core/waiting.ts';
import { ChildLost } from '../processes/child.ts';
import type { Given } from './protocol.ts';
import { type ApartOptions, DEATHS, limitsOf, tookTheProcess } from './score-apart.ts';
import { receiveEnding, sendRequest, type VersionName } from './wire-predictions.ts';

export type Predict = (
  requests: readonly Request[],
  signal: AbortSignal,
  timings?: SliceTiming[],
) => Promise<readonly Ending[]>;

export interface PredictApartOptions extends ApartOptions {
  /** The version of that name in this process. */
  readonly find: (name: VersionName) => Promise<ModelVersion>;
  readonly clock: () => number;
}

/** The same for requests that come from no event: each alone, and one that ended two processes is refused. */
export function createPredictApart(options: PredictApartOptions): Predict {
  const { children, onLoss, find, clock, log } = options;

  async function ask(request: Request, deaths: number, signal: AbortSignal): Promise<Given | ChildLost> {
    const { child, warm, release } = await children.take(signal);
    const leave = onceAborted(signal, child.kill);
    try {
      return await child.ask({ kind: 'predict', request: sendRequest(request) }, limitsOf(options, warm, deaths));
    } catch (thrown) {
      signal.throwIfAborted(); // it killed the child: nobody died of anything
      if (thrown instanceof ChildLost) return thrown;
      throw thrown;
    } finally {
      leave();
      release();
    }
  }

  async function predictOne(request: Request, signal: AbortSignal): Promise<Ending> {
    for (let deaths = 0; ; ) {
      const given = await ask(request, deaths, signal);
      if (!(given instanceof ChildLost)) return endingOf(given);
      if (!given.begun) continue;
      onLoss(given.loss);
      if (++deaths < DEATHS) continue;
      const message = tookTheProcess(given);
      log.error(`${request.resultId} ends as inference_failed: ${message}`);
      const error = new RequestError('inference_failed', 'infer', message);
      return { kind: 'refused', error, version: undefined, variant: undefined, failedAtMs: clock() };
    }
  }

  function endingOf(given: Given): Promise<Ending> {
    if (given.kind === 'away') throw new InfrastructureError(given.message);
    if (given.kind !== 'predicted') throw new Error(`the process apart answered ${given.kind}`);
    return receiveEnding(given.ending, find);
  }

  return async (requests, signal, timings) => {
    const endings: Ending[] = [];
    for (const request of requests) {
      const ending = await predictOne(request, signal);
      endings.push(ending);
      if (ending.kind !== 'answered' || ending.cached) continue;
      const { version, rows, modelMs } = ending;
      timings?.push({ model: version.name, modelVersion: version.label, instances: rows, computeMs: modelMs });
    }
    return endings;
  };
}
