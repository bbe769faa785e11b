import { digitsOf, writeWhole } from '../core/digits.ts';
import { type EndingMessages, markAt } from '../core/ending-messages.ts';
import type { Event } from '../core/event.ts';
import type { Arm } from '../core/scored-batch.ts';
import { type BatchEncoder, type Frame, LONG_BYTES } from './encode-message.ts';

const SETTLED_THROUGH_KEY_BYTES = 2 + 'settled_through'.length;
const SEQUENCE_NUMBER_KEY_BYTES = 2 + 'source_sequence_number'.length;
/** Descriptor and size of the body's data section, with which a frame ends. */
const BODY_HEADER_BYTES = 8;
const NO_BODY = Buffer.alloc(0);

/**
 * Adds messages from `from` on to a batch as long as they fit; returns how many. The usual ones are written from a frame that is encoded once an
 * arm: 90 ns a message beside its body, where an object, its properties and their encoding take 700.
 */
export function writeEndings(encoder: BatchEncoder, messages: EndingMessages, from: number): number {
  const { scored, length, mark } = messages;
  const { arms } = scored;
  const frames: (Frame | undefined)[] = [];
  let arm: Arm | undefined;
  let place = -1;
  let frame: Frame | undefined;
  let at = from;
  let next = at < length ? messages.event(at) : undefined;
  for (; at < length; at++) {
    const ending = messages.ending(at);
    const { sequenceNumber, properties, correlationId } = next as Event;
    next = at + 1 < length ? messages.event(at + 1) : undefined;
    const isUsual =
      typeof properties.traceparent !== 'string' && correlationId === undefined && !messages.asCloudEvents;
    if (!isUsual || scored.placeInEvent(ending) >= 0) {
      if (!encoder.tryAdd(messages.message(at))) break;
      continue;
    }
    const armPlace = scored.armOf(ending);
    if (arm === undefined || armPlace !== place) {
      place = armPlace;
      arm = arms[place] as Arm;
      frame = frames[place];
    }
    if (frame === undefined || sequenceNumber >= frame.end) {
      frame = frameFor(encoder, messages, at, place, sequenceNumber);
      frames[place] = frame;
    }
    const row = scored.rowOf(ending);
    const { bytes, digitsAt, digits } = frame;
    const slab = encoder.reserve(bytes.length + (arm.maxBytes ?? arm.maxBodyBytes(row)));
    const start = encoder.length;
    slab.set(bytes, start);
    writeWhole(slab, start + digitsAt, sequenceNumber, digits);
    const bodyAt = start + bytes.length;
    const settledAt = bodyAt - BODY_HEADER_BYTES - LONG_BYTES;
    const { view } = encoder;
    writeLong(view, settledAt, markAt(mark, next));
    const sequenceAt = settledAt - SETTLED_THROUGH_KEY_BYTES - LONG_BYTES;
    writeLong(view, sequenceAt, sequenceNumber);
    if (frame.hasBucket) writeLong(view, sequenceAt - SEQUENCE_NUMBER_KEY_BYTES - LONG_BYTES, arm.bucket(row));
    const end = arm.writeBody(row, slab, bodyAt);
    view.setUint32(bodyAt - 4, end - bodyAt);
    view.setUint32(start + 4, end - start - BODY_HEADER_BYTES);
    if (!encoder.commit(end)) break;
  }
  return at - from;
}

/** A message without its body, good for all of its arm whose sequence numbers have as many digits. */
function frameFor(
  encoder: BatchEncoder,
  messages: EndingMessages,
  at: number,
  place: number,
  sequenceNumber: number,
): Frame {
  const digits = digitsOf(sequenceNumber);
  const prefix = messages.scored.resultIdPrefix;
  const shared = messages.sharedOf(place);
  return encoder.frames.of(`${digits} ${prefix} ${JSON.stringify(shared)}`, () => {
    const bucket = messages.bucket(at);
    const hasBucket = bucket >= 0;
    const own = {
      ...(hasBucket && { bucket }),
      source_sequence_number: sequenceNumber,
      settled_through: messages.settledThrough(at),
    };
    const messageId = prefix + sequenceNumber;
    const bytes = encoder.encode({ messageId, correlationId: undefined, shared, own, body: NO_BODY });
    const digitsAt = bytes.indexOf(messageId) + messageId.length - digits;
    return { bytes, digits, digitsAt, end: 10 ** digits, hasBucket };
  });
}

/** The value of an AMQP long, behind its type. */
function writeLong(view: DataView, at: number, value: number): void {
  view.setUint32(at + 1, value >= 0 && value < 2 ** 32 ? 0 : Math.floor(value / 2 ** 32)); // a division takes 5 ns
  view.setUint32(at + 5, value);
}
