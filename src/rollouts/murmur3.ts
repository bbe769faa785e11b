const C1 = 0xcc9e2d51;
const C2 = 0x1b873593;

/** MurmurHash3_x86_32 (Appleby, 2011) of a text's UTF-8 bytes, unsigned. */
export function murmur3(text: string, seed = 0): number {
  const bytes = Buffer.from(text);
  const whole = bytes.length & ~3;
  let h = seed;
  for (let i = 0; i < whole; i += 4) h = step(h, bytes.readInt32LE(i));
  return finish(h, tailOf(bytes, whole), bytes.length);
}

/** The same of what begins with `prefix`, which is hashed but once: it is asked for every event. */
export function murmur3After(prefix: string): (text: string) => number {
  const bytes = Buffer.from(prefix);
  const start = bytes.length;
  const whole = start & ~3;
  let begun = 0;
  for (let i = 0; i < whole; i += 4) begun = step(begun, bytes.readInt32LE(i));
  const tail = tailOf(bytes, whole);
  const tailBits = (start - whole) * 8;
  return text => {
    const { length } = text;
    let h = begun;
    let word = tail;
    let bits = tailBits;
    let at = 0;
    let seen = 0;
    // What the prefix left open first, then whole blocks, as long as it is ASCII, as keys mostly are: that needs no encoder, and no bytes in memory.
    for (; bits > 0 && bits < 32 && at < length; bits += 8) {
      const code = text.charCodeAt(at++);
      seen |= code;
      word |= code << bits;
    }
    if (bits === 32) {
      h = step(h, word);
      word = 0;
      bits = 0;
    }
    for (; at + 4 <= length; at += 4) {
      const a = text.charCodeAt(at);
      const b = text.charCodeAt(at + 1);
      const c = text.charCodeAt(at + 2);
      const d = text.charCodeAt(at + 3);
      seen |= a | b | c | d;
      h = step(h, a | (b << 8) | (c << 16) | (d << 24));
    }
    for (; at < length; bits += 8) {
      const code = text.charCodeAt(at++);
      seen |= code;
      word |= code << bits;
    }
    return seen > 127 ? murmur3(prefix + text) : finish(h, word, start + length);
  };
}

/** A block of four bytes, little endian. */
function step(begun: number, word: number): number {
  const h = begun ^ mix(word);
  return (Math.imul((h << 13) | (h >>> 19), 5) + 0xe6546b64) | 0;
}

/** What is behind the last whole block, little endian. */
function tailOf(bytes: Buffer, from: number): number {
  let tail = 0;
  for (let i = bytes.length - 1; i >= from; i--) tail = (tail << 8) | (bytes[i] as number);
  return tail;
}

function finish(begun: number, tail: number, length: number): number {
  let h = begun ^ mix(tail) ^ length;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

function mix(word: number): number {
  const k = Math.imul(word, C1);
  return Math.imul((k << 15) | (k >>> 17), C2);
}
