import { type ErrorCode, RequestError, type RowName, type Stage } from '../core/errors.ts';

/** A request's error as it travels between processes. */
export interface SentError {
  readonly code: ErrorCode;
  readonly stage: Stage;
  readonly message: string;
  readonly row: RowName | undefined;
}

export function sendError({ code, stage, message, row }: RequestError): SentError {
  return { code, stage, message, row };
}

export function receiveError({ code, stage, message, row }: SentError): RequestError {
  return new RequestError(code, stage, message, row && { row });
}
