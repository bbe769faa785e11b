const C1 = 0xcc9e2d51;
const C2 = 0x1b873593;
/** Keys up to so many bytes are hashed without making a buffer for each. */
const ROOM = 1_024;

/** MurmurHash3_x86_32 (Appleby, 2011) of a text's UTF-8 bytes, unsigned. */
export function murmur3(text: string, seed = 0): number {
  const bytes = Buffer.from(text);
  return finish(blocks(bytes, 0, bytes.length & ~3, seed), bytes, bytes.length);
}

/** The same of what begins with `prefix`, which is hashed but once: it is asked for every event. */
export function murmur3After(prefix: string): (text: string) => number {
  const bytes = new Uint8Array(ROOM);
  const start = new TextEncoder().encodeInto(prefix, bytes).written;
  const whole = start & ~3;
  const begun = blocks(bytes, 0, whole, 0);
  return text => {
    const { length } = text;
    const end = start + length;
    if (end > ROOM) return murmur3(prefix + text);
    // ASCII, as keys mostly are, needs no encoder.
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i);
      if (code > 127) return murmur3(prefix + text);
      bytes[start + i] = code;
    }
    return finish(blocks(bytes, whole, end & ~3, begun), bytes, end);
  };
}

function blocks(bytes: Uint8Array, from: number, to: number, begun: number): number {
  let h = begun;
  for (let i = from; i < to; i += 4) {
    const word =
      (bytes[i] as number) |
      ((bytes[i + 1] as number) << 8) |
      ((bytes[i + 2] as number) << 16) |
      ((bytes[i + 3] as number) << 24);
    h ^= mix(word);
    h = (Math.imul((h << 13) | (h >>> 19), 5) + 0xe6546b64) | 0;
  }
  return h;
}

function finish(begun: number, bytes: Uint8Array, length: number): number {
  let tail = 0;
  for (let i = length - 1; i >= (length & ~3); i--) tail = (tail << 8) | (bytes[i] as number);
  let h = begun ^ mix(tail) ^ length;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

function mix(word: number): number {
  const k = Math.imul(word, C1);
  return Math.imul((k << 15) | (k >>> 17), C2);
}
