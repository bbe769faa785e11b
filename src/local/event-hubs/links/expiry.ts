import type { Client, OpenLink } from '../client.ts';
import { ServiceError } from '../service-error.ts';

/**
 * Why the service would end a link now, if it would: nobody has renewed the token for what it reads or writes, or its sender has been silent for too long.
 */
export function endOf({ tokens }: Client, link: OpenLink, nowMs: number, idleMs: number): ServiceError | undefined {
  const { path, usedAtMs } = link;
  if (path === undefined) return undefined;
  if (usedAtMs !== undefined && nowMs - usedAtMs > idleMs)
    return new ServiceError(
      'amqp:link:detach-forced',
      `The link to ${path} is force detached. Code: publisher. Details: AmqpMessagePublisher.IdleTimerExpired: Idle timeout: ${idleMs / 1000} s.`,
    );
  const covering = [...tokens].filter(([audience]) => covers(audience, path));
  // Whoever put a token for something else is not asked for one here either.
  const relevant = covering.length > 0 ? covering : [...tokens];
  return relevant.some(([, untilMs]) => untilMs > nowMs)
    ? undefined
    : new ServiceError(
        'amqp:unauthorized-access',
        `ExpiredToken: the token for ${path} has expired and was not renewed.`,
      );
}

/** A token for a namespace or a hub is one for all that is in it. */
function covers(audience: string, path: string): boolean {
  const [, resource = ''] = /^\w+:\/\/[^/]*\/?(.*)$/.exec(audience.toLowerCase()) ?? [];
  const its = path.toLowerCase();
  return resource === '' || its === resource || its.startsWith(`${resource}/`);
}
