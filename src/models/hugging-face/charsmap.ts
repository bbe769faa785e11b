/**
 * SentencePiece's table of what characters become (NFKC and more, compiled into a model), as tokenizer.json has it in base64: the size of a trie in bytes, the trie as a double array of
 * 32-bit units, then the texts that its values point into, each ended by a zero byte. https://github.com/google/sentencepiece, src/normalizer.cc, and darts-clone for the units.
 * @throws Error where it is none
 */
export function charsmapNormalizer(base64: string): (text: string) => string {
  const bytes = Buffer.from(base64, 'base64');
  const size = bytes.length >= 4 ? bytes.readUInt32LE(0) : 0;
  if (size === 0 || size % 4 !== 0 || 4 + size > bytes.length) throw new Error('precompiled_charsmap is none');
  const trie = new Uint32Array(size / 4);
  for (let i = 0; i < trie.length; i++) trie[i] = bytes.readUInt32LE(4 + 4 * i);
  const texts = bytes.subarray(4 + size);
  const segmenter = new Intl.Segmenter(undefined, { granularity: 'grapheme' });
  const known = new Map<string, string | undefined>();

  function replacement(text: string): string | undefined {
    if (known.has(text)) return known.get(text);
    const at = shortestPrefix(trie, Buffer.from(text));
    const found = at === undefined ? undefined : texts.toString('utf8', at, texts.indexOf(0, at));
    if (known.size < MAX_KNOWN) known.set(text, found);
    return found;
  }

  const clusterOf = (cluster: string): string => {
    const whole = Buffer.byteLength(cluster) < LONG_CLUSTER ? replacement(cluster) : undefined;
    return whole ?? Array.from(cluster, character => replacement(character) ?? character).join('');
  };
  return text => {
    let normalized = '';
    for (const { segment } of segmenter.segment(text)) normalized += clusterOf(segment);
    return normalized;
  };
}

/** Characters that are told without a look into the trie. */
const MAX_KNOWN = 20_000;
/** Bytes from which on a cluster is taken character by character. */
const LONG_CLUSTER = 6;
const LEAF = 1 << 8;
const WIDE_OFFSET = 1 << 9;

/** The value of the first entry that these bytes begin with. */
function shortestPrefix(trie: Uint32Array, bytes: Uint8Array): number | undefined {
  let at = offsetOf(trie[0] as number);
  for (const byte of bytes) {
    if (byte === 0) return undefined;
    at ^= byte;
    const unit = trie[at];
    if (unit === undefined || (unit & 0x8000_00ff) >>> 0 !== byte) return undefined;
    at ^= offsetOf(unit);
    if ((unit & LEAF) !== 0) return (trie[at] as number) & 0x7fff_ffff;
  }
  return undefined;
}

function offsetOf(unit: number): number {
  return (unit >>> 10) << ((unit & WIDE_OFFSET) >>> 6);
}
