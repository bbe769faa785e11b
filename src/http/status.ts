import { asError, ConfigurationError, type ErrorCode, InfrastructureError, RequestError } from '../core/errors.ts';
import { HttpProblem, type HttpReply, json, problem } from './http.ts';
import { ROUTES, type RouteName } from './routes.ts';

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

export const RETRY_LATER = { 'retry-after': '1' };

export function statusOf(code: ErrorCode): number {
  return STATUS[code];
}

/** Of the answer with it. */
export function headersOf(code: ErrorCode): Readonly<Record<string, string>> {
  return STATUS[code] === 503 ? RETRY_LATER : {};
}

/** Any failure as an answer. Who asks without a key learns ready or not, never why: that may name what is behind. */
export function replyTo(route: RouteName, thrown: unknown): HttpReply {
  if (ROUTES[route].open) return json(503, { ready: false });
  const error = asError(thrown);
  if (error instanceof HttpProblem) return problem(error.status, error.message, error.headers);
  if (error instanceof RequestError) return problem(statusOf(error.code), error.message, headersOf(error.code));
  if (error instanceof ConfigurationError) return problem(503, error.message); // no retry mends it
  if (error instanceof InfrastructureError) return problem(503, error.message, RETRY_LATER);
  if (isTimeout(error)) return problem(504, 'no answer in time');
  return problem(500, error.message);
}

/** What `AbortSignal.timeout` gives as its reason. */
export function isTimeout(thrown: unknown): boolean {
  return thrown instanceof DOMException && thrown.code === DOMException.TIMEOUT_ERR;
}

/** What the log says of a failure: the message, and of a fault of ours the stack. */
export function reasonOf(thrown: unknown): string {
  const error = asError(thrown);
  const known =
    error instanceof HttpProblem ||
    error instanceof RequestError ||
    error instanceof ConfigurationError ||
    error instanceof InfrastructureError ||
    error instanceof DOMException;
  return known ? error.message : (error.stack ?? error.message);
}

/** A failure as a line of the log, which has the reason that the answer may lack. */
export function describeFailure(route: RouteName, { status, body }: HttpReply, reason?: string): string {
  const { method, route: path } = ROUTES[route];
  return `${method} /${path}: ${status} ${reason ?? body}`;
}

/** The answer where there is no API, for `reason`: the process lives all the same. */
export function replyWithoutApi(route: RouteName, reason: Error): HttpReply {
  return route === 'v2-live' ? LIVE : replyTo(route, reason);
}

export const LIVE = json(200, { live: true });
