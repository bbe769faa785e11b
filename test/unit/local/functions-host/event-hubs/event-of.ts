import rhea, { type Message } from 'rhea';
import { ReceivedEvent } from '../../../../../src/local/functions-host/event-hubs/received-event.ts';

const { message, types } = rhea as unknown as {
  message: { encode(message: Message): Buffer; data_section(data: Buffer): unknown };
  types: { wrap_long(value: number): unknown; wrap_timestamp(value: number): unknown };
};

export interface EventInit {
  readonly body?: string | Buffer;
  readonly sequenceNumber?: number;
  readonly offset?: string;
  readonly enqueuedAtMs?: number;
  readonly partitionKey?: string;
  readonly annotations?: Record<string, unknown>;
  readonly properties?: Record<string, unknown>;
  /** Fields of the AMQP properties section, by rhea's names. */
  readonly fields?: Record<string, unknown>;
}

/** The bytes of an event as the service delivers it, encoded by rhea. */
export function payloadOf(init: EventInit): Buffer {
  const {
    body = 'body',
    sequenceNumber = 0,
    offset = '0',
    enqueuedAtMs = 0,
    partitionKey,
    annotations,
    properties,
    fields,
  } = init;
  return message.encode({
    ...fields,
    body: message.data_section(Buffer.from(body)),
    message_annotations: {
      'x-opt-sequence-number': types.wrap_long(sequenceNumber),
      'x-opt-offset': offset,
      'x-opt-enqueued-time': types.wrap_timestamp(enqueuedAtMs),
      ...(partitionKey === undefined ? {} : { 'x-opt-partition-key': partitionKey }),
      ...annotations,
    },
    ...(properties ? { application_properties: properties } : {}),
  } as unknown as Message);
}

export function eventOf(init: EventInit): ReceivedEvent {
  return new ReceivedEvent(payloadOf(init));
}
