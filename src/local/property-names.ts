/** Fields of the AMQP 1.0 properties section in its order (part 3, 3.2.4), as Functions and Kafka consumers get to see their names. */
export const PROPERTY_NAMES = [
  'message-id',
  'user-id',
  'to',
  'subject',
  'reply-to',
  'correlation-id',
  'content-type',
  'content-encoding',
  'absolute-expiry-time',
  'creation-time',
  'group-id',
  'group-sequence',
  'reply-to-group-id',
];
