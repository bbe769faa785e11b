const POWERS = Array.from({ length: 10 }, (_, exponent) => 10 ** exponent);
const [MINUS, DOT, ZERO, NINE] = [45, 46, 48, 57];
/** Of these the whole number fits 32 bits, by which the engine reckons quickest. */
const MOST_DIGITS = 9;

/** Reads what most numbers of tables are, up to nine digits and perhaps a point; a quick way before `NumberScanner`, with what that would read. */
export class ShortNumber {
  /** The number read last. */
  value = 0;

  /** Where it ends; -1 where it is anything else, which may be a number all the same. */
  scan(bytes: Uint8Array, start: number): number {
    let at = start;
    let byte = bytes[at] as number;
    const negative = byte === MINUS;
    if (negative) byte = bytes[++at] as number;
    const first = at;
    let whole = 0;
    while (byte >= ZERO && byte <= NINE) {
      whole = (whole * 10 + (byte - ZERO)) | 0;
      byte = bytes[++at] as number;
    }
    let digits = at - first;
    let places = 0;
    if (byte === DOT) {
      const point = at;
      byte = bytes[++at] as number;
      while (byte >= ZERO && byte <= NINE) {
        whole = (whole * 10 + (byte - ZERO)) | 0;
        byte = bytes[++at] as number;
      }
      places = at - point - 1;
      if (places === 0) return -1;
      digits += places;
    }
    // None before the point, or too many.
    if (digits > MOST_DIGITS || digits === places) return -1;
    if (bytes[first] === ZERO && digits > places + 1) return -1;
    const magnitude = places === 0 ? whole : whole / (POWERS[places] as number);
    this.value = negative ? -magnitude : magnitude;
    return at;
  }
}
