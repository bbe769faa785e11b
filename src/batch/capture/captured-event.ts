import type { Schema } from 'avsc';
import type { Event } from '../../core/event.ts';
import { BatchRefusal } from '../problems.ts';

/** Reads the records of a block as events. */
export type ReadEvents = (records: Buffer, count: number) => Event[];

interface Captured {
  readonly SequenceNumber: number;
  readonly EnqueuedTimeUtc: string;
  readonly SystemProperties: Readonly<Record<string, unknown>>;
  readonly Properties: Readonly<Record<string, unknown>>;
  readonly Body: Buffer | null;
}

const FIELDS = ['SequenceNumber', 'EnqueuedTimeUtc', 'SystemProperties', 'Properties', 'Body'];

/** What Event Hubs Capture writes. @throws BatchRefusal where the schema is another's */
export async function eventReader(schema: string): Promise<ReadEvents> {
  const { default: avsc } = await import('avsc');
  const parsed = JSON.parse(schema) as { readonly fields?: readonly { readonly name: string }[] };
  const missing = FIELDS.filter(name => !parsed.fields?.some(field => field.name === name));
  if (missing.length > 0)
    throw new BatchRefusal(`its records have no ${missing.join(', ')}; those of Event Hubs Capture are expected`);
  const type = avsc.Type.forSchema(parsed as unknown as Schema);
  return (records, count) => {
    const events: Event[] = [];
    for (let at = 0; events.length < count; ) {
      const { value, offset } = type.decode(records, at) as { readonly value: Captured; readonly offset: number };
      if (offset < 0) throw new BatchRefusal('a record is not whole');
      events.push(eventOf(value));
      at = offset;
    }
    return events;
  };
}

function eventOf({ SequenceNumber, EnqueuedTimeUtc, SystemProperties, Properties, Body }: Captured): Event {
  const system = plain(SystemProperties);
  const text = (name: string) => (typeof system[name] === 'string' ? (system[name] as string) : undefined);
  return {
    body: Body ?? Buffer.alloc(0),
    sequenceNumber: SequenceNumber,
    enqueuedAtMs: Date.parse(`${EnqueuedTimeUtc} UTC`) || 0,
    partitionKey: text('x-opt-partition-key'),
    contentType: text('content-type'),
    contentEncoding: text('content-encoding'),
    properties: plain(Properties),
    system,
  };
}

/** Without the name of its type around each value. */
function plain(values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => {
      const wrapped = typeof value === 'object' && value !== null && !Buffer.isBuffer(value);
      return [name, wrapped ? Object.values(value)[0] : value];
    }),
  );
}
