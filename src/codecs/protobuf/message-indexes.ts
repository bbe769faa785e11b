/** More deeply no schema nests its messages. */
const MAX_DEPTH = 32;

/** Which message of its schema a body in Confluent's frame is: a count, then as many places, zigzag varints; a single 0 stands for the first one. @throws Error */
export function readMessageIndexes(bytes: Buffer): { readonly places: readonly number[]; readonly message: Buffer } {
  let at = 0;
  const next = (): number => {
    let value = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = bytes[at++] ?? 0xff;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return (value >>> 1) ^ -(value & 1);
    }
    throw new Error('its message indexes cannot be read');
  };
  const count = next();
  if (count < 0 || count > MAX_DEPTH) throw new Error(`${count} message indexes`);
  const places = count === 0 ? [0] : Array.from({ length: count }, next);
  return { places, message: bytes.subarray(at) };
}
