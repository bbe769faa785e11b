/**
 * The partition that the service gives a partition key: Jenkins' lookup3 over the key's UTF-8 bytes, both halves
 * folded to a signed 16-bit number, the remainder's absolute value. The same as the SDKs' buffered producers compute
 * (partitionKeyToIdMapper in @azure/event-hubs).
 */
export function partitionOfKey(key: Uint8Array, partitionCount: number): number {
  return Math.abs(hashKey(key) % partitionCount);
}

const rotate = (value: number, bits: number) => (value << bits) | (value >>> (32 - bits));

/** lookup3's hashlittle2 with zero seeds, as `int16(c ^ b)`. */
function hashKey(key: Uint8Array): number {
  const word = (at: number) =>
    (key[at] ?? 0) | ((key[at + 1] ?? 0) << 8) | ((key[at + 2] ?? 0) << 16) | ((key[at + 3] ?? 0) << 24);
  let a = (0xdeadbeef + key.length) | 0;
  let b = a;
  let c = a;
  let at = 0;
  for (; key.length - at > 12; at += 12) {
    a = (a + word(at)) | 0;
    b = (b + word(at + 4)) | 0;
    c = (c + word(at + 8)) | 0;
    a = (a - c) ^ rotate(c, 4);
    c = (c + b) | 0;
    b = (b - a) ^ rotate(a, 6);
    a = (a + c) | 0;
    c = (c - b) ^ rotate(b, 8);
    b = (b + a) | 0;
    a = (a - c) ^ rotate(c, 16);
    c = (c + b) | 0;
    b = (b - a) ^ rotate(a, 19);
    a = (a + c) | 0;
    c = (c - b) ^ rotate(b, 4);
    b = (b + a) | 0;
  }
  if (at < key.length) {
    // Bytes behind the end read as 0, which is what lookup3's tail does.
    a = (a + word(at)) | 0;
    b = (b + word(at + 4)) | 0;
    c = (c + word(at + 8)) | 0;
    c = (c ^ b) - rotate(b, 14);
    a = (a ^ c) - rotate(c, 11);
    b = (b ^ a) - rotate(a, 25);
    c = (c ^ b) - rotate(b, 16);
    a = (a ^ c) - rotate(c, 4);
    b = (b ^ a) - rotate(a, 14);
    c = (c ^ b) - rotate(b, 24);
  }
  return ((c ^ b) << 16) >> 16;
}
