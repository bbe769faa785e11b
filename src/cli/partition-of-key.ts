/**
 * The partition that the service gives a partition key, so that `send` can say where events went: Jenkins' lookup3
 * (hashlittle2 with zero seeds) over the key's UTF-8 bytes, `int16(c ^ b)`, and the absolute value of its remainder;
 * as in @azure/event-hubs' partitionKeyToIdMapper, which it does not export.
 */
export function partitionOfKey(key: string, partitionCount: number): number {
  const bytes = new TextEncoder().encode(key);
  const padded = new DataView(new ArrayBuffer(Math.max(12, Math.ceil(bytes.length / 12) * 12)));
  bytes.forEach((byte, at) => {
    padded.setUint8(at, byte);
  });
  let a = (0xdeadbeef + bytes.length) | 0;
  let b = a;
  let c = a;
  const rotate = (value: number, bits: number) => (value << bits) | (value >>> (32 - bits));
  for (let at = 0; at < bytes.length; at += 12) {
    a = (a + padded.getInt32(at, true)) | 0;
    b = (b + padded.getInt32(at + 4, true)) | 0;
    c = (c + padded.getInt32(at + 8, true)) | 0;
    if (bytes.length - at > 12) {
      a = ((a - c) | 0) ^ rotate(c, 4);
      c = (c + b) | 0;
      b = ((b - a) | 0) ^ rotate(a, 6);
      a = (a + c) | 0;
      c = ((c - b) | 0) ^ rotate(b, 8);
      b = (b + a) | 0;
      a = ((a - c) | 0) ^ rotate(c, 16);
      c = (c + b) | 0;
      b = ((b - a) | 0) ^ rotate(a, 19);
      a = (a + c) | 0;
      c = ((c - b) | 0) ^ rotate(b, 4);
      b = (b + a) | 0;
    } else {
      c = ((c ^ b) - rotate(b, 14)) | 0;
      a = ((a ^ c) - rotate(c, 11)) | 0;
      b = ((b ^ a) - rotate(a, 25)) | 0;
      c = ((c ^ b) - rotate(b, 16)) | 0;
      a = ((a ^ c) - rotate(c, 4)) | 0;
      b = ((b ^ a) - rotate(a, 14)) | 0;
      c = ((c ^ b) - rotate(b, 24)) | 0;
    }
  }
  return Math.abs((((c ^ b) << 16) >> 16) % partitionCount);
}
