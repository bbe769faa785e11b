import type { ModelVersion } from '../core/model.ts';
import type { Answered } from '../core/outcome.ts';
import type { Prediction } from '../core/prediction.ts';
import type { Request } from '../core/request.ts';
import { isoTime, latencyOf } from './times.ts';

/** The contract's result. */
export function resultJson(request: Request, ending: Answered): string {
  const { resultId, requestId, enqueuedAtMs } = request;
  const { version, predictions, several, scoredAtMs } = ending;
  const id = JSON.stringify(resultId);
  return (
    `{"request_id":${requestId === undefined ? id : JSON.stringify(requestId)},"result_id":${id},${modelJson(version)}` +
    `${flagsJson(ending)},${several ? severalJson(predictions) : predictionJson(predictions[0] as Prediction)}` +
    `,"enqueued_at":"${isoTime(enqueuedAtMs)}","timestamp":"${isoTime(scoredAtMs)}"` +
    `,"latency_ms":${latencyOf(scoredAtMs, enqueuedAtMs)},"model_ms":${Math.round(ending.modelMs * 1000) / 1000}}`
  );
}

const known = new WeakMap<ModelVersion, string>();

/** The same for every result of a version. */
function modelJson(version: ModelVersion): string {
  let json = known.get(version);
  if (json === undefined) {
    json = `"model":${JSON.stringify(version.name)},"model_version":${JSON.stringify(version.label)}`;
    known.set(version, json);
  }
  return json;
}

/** What is out of the ordinary, with a comma before it. */
function flagsJson({ requestedVersion, fallback, variant, cached, degraded }: Answered): string {
  let json = '';
  if (requestedVersion !== undefined) json += `,"requested_version":${JSON.stringify(requestedVersion)}`;
  if (fallback) json += ',"fallback":true';
  if (variant !== undefined) json += `,"variant":${JSON.stringify(variant)}`;
  if (cached) json += ',"cached":true';
  if (degraded) json += ',"degraded":true';
  return json;
}

function severalJson(predictions: readonly Prediction[]): string {
  return `"predictions":[${predictions.map(prediction => `{${predictionJson(prediction)}}`).join(',')}]`;
}

function predictionJson(prediction: Prediction): string {
  return JSON.stringify(prediction).slice(1, -1);
}
