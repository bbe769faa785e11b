import type { Event } from '../../core/event.ts';

/** How attributes are named as application properties (AMQP, by its two spellings) and as Kafka headers. */
const PREFIXES = ['cloudEvents:', 'cloudEvents_', 'ce_'] as const;

/** The prefix of an event's attributes in binary mode; undefined where it is no CloudEvent. */
export function binaryPrefix({ properties }: Event): string | undefined {
  return PREFIXES.find(prefix => properties[`${prefix}specversion`] !== undefined);
}
