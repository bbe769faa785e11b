const C1 = 0xcc9e2d51;
const C2 = 0x1b873593;

/**
 * MurmurHash3_x86_32 (Appleby, 2011) of a text's UTF-8 bytes, unsigned. Texts of ASCII alone, as keys mostly are, are hashed as they stand: making bytes of them costs more than hashing.
 * @param before a text of ASCII that stands before it
 */
export function murmur3(text: string, before = '', seed = 0): number {
  for (let i = 0; i < text.length; i++) {
    if (text.charCodeAt(i) > 127) return hashBytes(Buffer.from(before + text), seed);
  }
  const split = before.length;
  const length = split + text.length;
  const at = (i: number) => (i < split ? before.charCodeAt(i) : text.charCodeAt(i - split));
  return hash(at, length, seed);
}

function hashBytes(bytes: Buffer, seed: number): number {
  return hash(i => bytes[i] as number, bytes.length, seed);
}

function hash(at: (i: number) => number, length: number, seed: number): number {
  let h = seed;
  const whole = length & ~3;
  for (let i = 0; i < whole; i += 4) {
    h ^= mix(at(i) | (at(i + 1) << 8) | (at(i + 2) << 16) | (at(i + 3) << 24));
    h = Math.imul((h << 13) | (h >>> 19), 5) + 0xe6546b64;
  }
  let tail = 0;
  for (let i = length - 1; i >= whole; i--) tail = (tail << 8) | at(i);
  h ^= mix(tail) ^ length;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

function mix(word: number): number {
  const k = Math.imul(word, C1);
  return Math.imul((k << 15) | (k >>> 17), C2);
}
