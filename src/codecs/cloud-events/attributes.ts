import type { Event } from '../../core/event.ts';

/** The prefix of an event's attributes in binary mode, as application properties (AMQP, by its two spellings) or Kafka headers; undefined where it is no CloudEvent. */
export function binaryPrefix({ properties }: Event): string | undefined {
  // By constant names: every event is asked.
  if (properties['cloudEvents:specversion'] !== undefined) return 'cloudEvents:';
  if (properties.cloudEvents_specversion !== undefined) return 'cloudEvents_';
  return properties.ce_specversion === undefined ? undefined : 'ce_';
}
