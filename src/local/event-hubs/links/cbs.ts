import rhea from 'rhea';
import { expiryOfToken, faultOfToken } from '../sas-token.ts';
import type { Request } from './replies.ts';

export interface CbsAnswer {
  readonly reply: object;
  /** What the token is for, and until when it holds, milliseconds since the epoch; undefined where it was not accepted. */
  readonly accepted: { readonly audience: string; readonly untilMs: number } | undefined;
}

/** Answers a put-token request: 202, or 401 with the reason. No `error-condition`: Python would then misread the status. */
export function answerCbs(request: Request, nowMs: number): CbsAnswer {
  const properties = request.application_properties ?? {};
  let [status, description] = [202, 'Accepted'];
  if (properties.operation !== 'put-token') [status, description] = [400, `unknown operation ${properties.operation}`];
  else {
    const fault = faultOfToken(String(request.body), nowMs);
    if (fault) [status, description] = [401, `Unauthorized: ${fault}`];
  }
  return {
    accepted:
      status === 202
        ? { audience: String(properties.name ?? ''), untilMs: expiryOfToken(String(request.body)) }
        : undefined,
    reply: {
      correlation_id: request.message_id,
      application_properties: { 'status-code': rhea.types.wrap_int(status), 'status-description': description },
      body: null,
    },
  };
}
