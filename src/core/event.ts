/** One event of an Event Hubs partition, as scoring sees it. */
export interface Event {
  readonly body: Buffer;
  readonly sequenceNumber: number;
  /** Milliseconds since the epoch, UTC. */
  readonly enqueuedAtMs: number;
  readonly partitionKey: string | undefined;
  readonly contentType: string | undefined;
  readonly contentEncoding: string | undefined;
  /** AMQP correlation id, which the event's endings bear too. */
  readonly correlationId?: string | undefined;
  /** Application properties by name; strings, numbers, booleans, dates or bytes (Kafka headers). */
  readonly properties: Readonly<Record<string, unknown>>;
  /** What the service or the way through it says of the event, by the names that the host gives: `iothub-connection-device-id`. */
  readonly system?: Readonly<Record<string, unknown>>;
}

/** Consecutive deliveries from one partition, ascending by sequence number. */
export interface EventBatch {
  readonly hub: string;
  readonly consumerGroup: string;
  readonly partition: string;
  readonly events: readonly Event[];
}
