import type { Outgoing } from './rhea-private.ts';

/** Frame header, performative and fields before the payload; 0s are filled in. */
const TRANSFER = Buffer.from([
  ...[0, 0, 0, 0, 2, 0, 0, 0],
  ...[0x00, 0x53, 0x14, 0xc0, 25, 11],
  ...[0x70, 0, 0, 0, 0], // handle
  ...[0x70, 0, 0, 0, 0], // delivery-id
  ...[0xa0, 4, 0, 0, 0, 0], // delivery-tag: the id again
  0x43, // message-format 0
  0x41, // settled
  0x42, // more
  ...[0x40, 0x40, 0x40, 0x40, 0x40], // rcv-settle-mode, state, resume, aborted, batchable
]);
const CHANNEL_AT = 6;
const HANDLE_AT = 15;
const ID_AT = 20;
const TAG_AT = 26;
const MORE_AT = 32;
export const TRANSFER_BYTES = TRANSFER.length;

/** Frames that a message of `bytes` takes. */
export function frameCount(bytes: number, maxFrameBytes: number): number {
  return Math.max(1, Math.ceil(bytes / (maxFrameBytes - TRANSFER_BYTES)));
}

/**
 * Writes one settled delivery into `out` from `at` on, split into frames that the peer takes.
 * @param parts the message, in pieces that are copied one behind the other.
 * @returns where it ends; frameCount(message bytes) frames of TRANSFER_BYTES more than the message.
 */
export function writeDelivery(
  out: Buffer,
  at: number,
  link: Outgoing,
  deliveryId: number,
  parts: readonly Piece[],
): number {
  let left = parts.reduce((sum, part) => sum + part.end - part.start, 0);
  const room = link.maxFrameBytes - TRANSFER_BYTES;
  let part = 0;
  let from = parts[0]?.start ?? 0;
  let position = at;
  do {
    const payload = Math.min(left, room);
    left -= payload;
    position += writeTransfer(out, position, link, deliveryId, payload, left > 0);
    for (let wanted = payload; wanted > 0; ) {
      const { bytes, end } = parts[part] as Piece;
      const copied = bytes.copy(out, position, from, Math.min(end, from + wanted));
      position += copied;
      wanted -= copied;
      from += copied;
      if (from === end) from = parts[++part]?.start ?? 0;
    }
  } while (left > 0);
  return position;
}

export interface Piece {
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
}

/** Writes what stands before the payload of one frame; returns its size. */
export function writeTransfer(
  out: Buffer,
  at: number,
  link: Outgoing,
  deliveryId: number,
  payload: number,
  more: boolean,
): number {
  TRANSFER.copy(out, at);
  out.writeUInt32BE(TRANSFER_BYTES + payload, at);
  out.writeUInt16BE(link.channel, at + CHANNEL_AT);
  out.writeUInt32BE(link.handle, at + HANDLE_AT);
  out.writeUInt32BE(deliveryId, at + ID_AT);
  out.writeUInt32BE(deliveryId, at + TAG_AT);
  if (more) out[at + MORE_AT] = 0x41;
  return TRANSFER_BYTES;
}
