import { EVENT_HEADER_BYTES } from '../store/batch-format.ts';
import type { Batch } from '../store/partition-log.ts';
import { skipValue, writeUint64 } from './encoding.ts';
import {
  type EventTable,
  eachEntry,
  HEADER,
  HEADER_END,
  KEY,
  OWN,
  OWN_END,
  RESERVED,
  REST,
  REST_END,
} from './event-table.ts';

/** Message annotations section with the service's three, all keys symbols; sizes and values are filled in. */
const symbol = (name: string) => [0xa3, name.length, ...Buffer.from(name)];
const ZEROS = [0, 0, 0, 0, 0, 0, 0, 0];
const SEQUENCE = [...symbol('x-opt-sequence-number'), 0x81];
const TIME = [...symbol('x-opt-enqueued-time'), 0x83];
const OFFSET = [...symbol('x-opt-offset'), 0xa1, 0];
const OPENING = [0x00, 0x53, 0x72, 0xd1, 0, 0, 0, 0, 0, 0, 0, 0];
const TEMPLATE = Buffer.from([...OPENING, ...SEQUENCE, ...ZEROS, ...TIME, ...ZEROS, ...OFFSET]);
const SIZE_AT = 4;
const COUNT_AT = 8;
const SEQUENCE_AT = OPENING.length + SEQUENCE.length;
const TIME_AT = SEQUENCE_AT + ZEROS.length + TIME.length;
const OFFSET_DIGITS_MAX = 16;
const KEY_NAME = Buffer.from(symbol('x-opt-partition-key'));

/**
 * A received message's events as the log stores them and receivers get them: header section, message annotations (the
 * service's, the partition key, the sender's own), and the rest as it came. So annotations are written once, not
 * for every receiver.
 */
export function encodeEvents(table: EventTable): Pick<Batch, 'count' | 'maxBytes' | 'encode'> {
  const { bytes, count, envelopeKey } = table;
  const keyEnd = (value: number) => skipValue(bytes, value, bytes.length);
  const envelopeKeyBytes = envelopeKey ? keyEnd(envelopeKey) - envelopeKey : 0;
  const added = EVENT_HEADER_BYTES + TEMPLATE.length + OFFSET_DIGITS_MAX + KEY_NAME.length + envelopeKeyBytes;
  return {
    count,
    maxBytes: bytes.length + count * added,
    encode(slab, from, firstSequence, position, timeMs) {
      let at = from;
      for (let event = 0; event < count; event++) {
        const start = at;
        at += EVENT_HEADER_BYTES;
        at += bytes.copy(slab, at, table.at(event, HEADER), table.at(event, HEADER_END));
        const headerBytes = at - start - EVENT_HEADER_BYTES;
        const section = at;
        at += TEMPLATE.copy(slab, at);
        writeUint64(slab, firstSequence + event, section + SEQUENCE_AT);
        writeUint64(slab, timeMs, section + TIME_AT);
        const digits = slab.write(String(position + start), at, 'latin1');
        slab[at - 1] = digits;
        at += digits;
        let entries = 3;
        const key = table.at(event, KEY) || envelopeKey;
        if (key) {
          entries++;
          at += KEY_NAME.copy(slab, at);
          at += bytes.copy(slab, at, key, keyEnd(key));
        }
        if (table.at(event, OWN)) {
          eachEntry(bytes, table.at(event, OWN), table.at(event, OWN_END), (name, _value, entry, next) => {
            if (RESERVED.some(reserved => reserved.equals(name))) return;
            entries++;
            at += bytes.copy(slab, at, entry, next);
          });
        }
        slab.writeUInt32BE(at - section - COUNT_AT, section + SIZE_AT);
        slab.writeUInt32BE(entries * 2, section + COUNT_AT);
        at += bytes.copy(slab, at, table.at(event, REST), table.at(event, REST_END));
        slab.writeUInt32BE(at - start - EVENT_HEADER_BYTES, start);
        slab.writeUInt16BE(headerBytes, start + 4);
      }
      return at;
    },
  };
}
