import { type ErrorCode, RequestError, type Stage } from '../core/errors.ts';

/** A request's error as it travels between processes. */
export interface SentError {
  readonly code: ErrorCode;
  readonly stage: Stage;
  readonly message: string;
}

export function sendError({ code, stage, message }: RequestError): SentError {
  return { code, stage, message };
}

export function receiveError({ code, stage, message }: SentError): RequestError {
  return new RequestError(code, stage, message);
}
