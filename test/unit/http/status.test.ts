import { describe, expect, it } from 'vitest';
import { InfrastructureError, RequestError } from '../../../src/core/errors.ts';
import { replyTo } from '../../../src/http/status.ts';

/** The reason that a signal gives whose time is over. */
async function timeOver(): Promise<unknown> {
  const signal = AbortSignal.timeout(1);
  await new Promise(resolve => signal.addEventListener('abort', resolve));
  return signal.reason;
}

describe('a failure as an answer', () => {
  it('has its status', async () => {
    expect(replyTo('v2-infer', new RequestError('unknown_model', 'route', 'm is not there')).status).toBe(404);
    expect(replyTo('v2-infer', new InfrastructureError('storage is away')).status).toBe(503);
    expect(replyTo('v2-infer', await timeOver()).status).toBe(504);
    expect(replyTo('v2-infer', new Error('a bug')).status).toBe(500);
  });

  it('is no time-out because it is called one, or is another abort', () => {
    expect(replyTo('v2-infer', Object.assign(new Error('of a library'), { name: 'TimeoutError' })).status).toBe(500);
    expect(replyTo('v2-infer', AbortSignal.abort().reason).status).toBe(500);
  });
});
