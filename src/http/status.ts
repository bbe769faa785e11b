import { asError, type ErrorCode, InfrastructureError, RequestError } from '../core/errors.ts';
import { type HttpReply, problem } from './http.ts';

const STATUS: Readonly<Record<ErrorCode, number>> = {
  malformed_payload: 400,
  schema_mismatch: 400,
  non_finite_feature: 400,
  unknown_model: 404,
  model_unavailable: 503,
  inference_failed: 500,
  deadline_exceeded: 504,
  result_too_large: 500,
  unexpected: 500,
};

const RETRY_LATER = { 'retry-after': '1' };

/** Any failure as an answer. */
export function replyTo(thrown: unknown): HttpReply {
  const error = asError(thrown);
  if (error instanceof RequestError) {
    const status = STATUS[error.code];
    return problem(status, error.message, status === 503 ? RETRY_LATER : {});
  }
  if (error instanceof InfrastructureError) return problem(503, error.message, RETRY_LATER);
  // What `AbortSignal.timeout` gives as its reason.
  if (error instanceof DOMException && error.code === DOMException.TIMEOUT_ERR)
    return problem(504, 'no answer in time');
  return problem(500, error.message);
}

export function busy(message: string): HttpReply {
  return problem(503, message, RETRY_LATER);
}
