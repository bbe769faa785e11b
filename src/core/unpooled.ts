/** A copy with memory of its own, for what is kept for long: Node cuts small buffers out of pages of 64 KB, and the last of them keeps the whole page. */
export function unpooled(bytes: Buffer): Buffer {
  const own = Buffer.allocUnsafeSlow(bytes.length);
  bytes.copy(own);
  return own;
}
