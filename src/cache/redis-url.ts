import { RedisClient } from 'redis';

export const REDIS_URL_FORM =
  'redis[s]://[[user]:password@]host[:port], with everything but letters and digits in the password percent-encoded (# is %23)';

/** Whether the client finds in it where to connect to. */
export function isRedisUrl(text: string): boolean {
  // A password that was not encoded: what comes before the # or ? would be taken for the host, and named wherever connecting to it fails.
  if (/#|\?.*@/s.test(text)) return false;
  try {
    const { socket } = RedisClient.parseURL(text);
    return 'path' in socket || socket.host !== '';
  } catch {
    return false; // without a word: what it says holds the text, the password too
  }
}
