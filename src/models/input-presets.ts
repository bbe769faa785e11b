/** Shapes that others write, as mappings; each from its vendor's documentation. What a card says beside `preset` goes before. */
export const INPUT_PRESETS = {
  /** Azure IoT Hub, message routing and its built-in endpoint: the device's JSON. Twin changes and lifecycle events share the hub. */
  'iot-hub': {
    where: { path: '@system.iothub-message-source', in: ['Telemetry'] },
    carry: ['@system.iothub-connection-device-id'],
  },
  /** Azure Monitor diagnostic settings to an event hub. */
  'azure-monitor': { records: '$.records[*]', row: '$.properties' },
  /** Debezium's change events, with the converter's envelope (schema, payload) or without. */
  debezium: {
    where: { path: ['$.payload.op', '$.op'], in: ['c', 'u', 'r'] },
    row: ['$.payload.after', '$.after'],
    request_id: ['$.payload.after.request_id', '$.after.request_id'],
    skip_empty: true,
  },
  /** CloudEvents are unwrapped without a card; this makes the data itself the row. */
  cloudevents: {},
  /** Records of Event Hubs Capture, replayed as JSON or Avro: the event that was captured is in Body. */
  capture: { row: '$.Body', request_id: ['$.Body.request_id', '$.SequenceNumber'] },
  /** Spark's to_json(struct(*)). */
  spark: {},
} as const;

export type InputPreset = keyof typeof INPUT_PRESETS;
