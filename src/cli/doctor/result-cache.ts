import type { Settings } from '../../config/settings.ts';
import { type Check, fail, ok } from './check.ts';

/** Whether REDIS_URL can be read. It is never shown: a password may stand anywhere in one that cannot. */
export function checkResultCache({ REDIS_URL }: Settings): Check {
  return {
    name: 'result cache',
    async run() {
      if (!REDIS_URL) return [];
      const { isRedisUrl, REDIS_URL_FORM } = await import('../../cache/redis-url.ts'); // with the client, which no other command needs
      if (isRedisUrl(REDIS_URL)) return [ok('REDIS_URL is a Redis URL')];
      return [
        fail('REDIS_URL is no Redis URL, so instances share no cached predictions', `It takes ${REDIS_URL_FORM}.`),
      ];
    },
  };
}
