import { once } from 'node:events';
import avsc from 'avsc';

/** As Event Hubs Capture writes it. */
const SCHEMA = {
  type: 'record',
  name: 'EventData',
  namespace: 'Microsoft.ServiceBus.Messaging',
  fields: [
    { name: 'SequenceNumber', type: 'long' },
    { name: 'Offset', type: 'string' },
    { name: 'EnqueuedTimeUtc', type: 'string' },
    { name: 'SystemProperties', type: { type: 'map', values: ['long', 'double', 'string', 'bytes'] } },
    { name: 'Properties', type: { type: 'map', values: ['long', 'double', 'string', 'bytes', 'null'] } },
    { name: 'Body', type: ['null', 'bytes'] },
  ],
};

/** A file of Capture: events whose bodies are texts, or JSON; in blocks of about so many bytes. @param enqueuedAt of an event by its place */
export async function captured(
  bodies: readonly unknown[],
  codec: string,
  properties: readonly object[] = [],
  blockSize = 200,
  enqueuedAt = (_: number) => '11/28/2026 5:04:03 PM',
): Promise<Buffer> {
  const encoder = new avsc.streams.BlockEncoder(avsc.Type.forSchema(SCHEMA as never), {
    codec,
    blockSize,
  } as never);
  const parts: Buffer[] = [];
  encoder.on('data', part => parts.push(part));
  bodies.forEach((body, i) => {
    encoder.write({
      SequenceNumber: i,
      Offset: String(i),
      EnqueuedTimeUtc: enqueuedAt(i),
      SystemProperties: { 'x-opt-enqueued-time': { long: 5 } },
      Properties: properties[i] ?? {},
      Body: typeof body === 'string' ? Buffer.from(body) : Buffer.from(JSON.stringify(body)),
    });
  });
  encoder.end();
  await once(encoder, 'end');
  return Buffer.concat(parts);
}
