import { expect, it } from 'vitest';
import { retryAfterMs } from '../../../src/hubs/retry-after.ts';

const BUSY = 'com.microsoft:server-busy';

it.each([
  [BUSY, 'Error code: 50002. Please wait 4 seconds and try again.', 4_000],
  [BUSY, 'Please wait 10 seconds and try again.', 10_000],
  [BUSY, 'Please wait 999 seconds and try again.', 30_000],
  [BUSY, 'The server is busy.', 4_000],
  [BUSY, undefined, 4_000],
  ['amqp:internal-error', 'Please wait 4 seconds and try again.', undefined],
  [undefined, 'Please wait 4 seconds and try again.', undefined],
])('a refusal with %s, "%s", asks for %s ms', (condition, description, ms) => {
  expect(retryAfterMs(condition, description)).toBe(ms);
});
