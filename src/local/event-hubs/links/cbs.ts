import rhea from 'rhea';
import { faultOfToken } from '../sas-token.ts';
import type { Request } from './replies.ts';

export interface CbsAnswer {
  readonly reply: object;
  readonly isAccepted: boolean;
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
    isAccepted: status === 202,
    reply: {
      correlation_id: request.message_id,
      application_properties: { 'status-code': rhea.types.wrap_int(status), 'status-description': description },
      body: null,
    },
  };
}
