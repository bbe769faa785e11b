/** Powers of ten that a double holds exactly. */
const POWERS = Array.from({ length: 23 }, (_, exponent) => 10 ** exponent);
/** Digits that a double holds exactly as a whole number. */
const EXACT_DIGITS = 15;
/** More digits than this are left to the slow way. */
const MAX_DIGITS = 19;
const MAX_FLOAT32 = 3.4028234663852886e38;
/** A little more than two units in the last place of a double, as a relative error. */
const SLACK = 2 ** -50;
/** Of these the whole number fits 32 bits, by which the engine reckons quickest. */
const SHORT_DIGITS = 9;
/** With sign and point. */
const SHORT_BYTES = SHORT_DIGITS + 2;

const [MINUS, PLUS, DOT, ZERO, NINE, UPPER_E, LOWER_E] = [45, 43, 46, 48, 57, 69, 101];

/**
 * Reads JSON numbers out of bytes as float32, equal to `Math.fround(JSON.parse(text))`, without making a string of them.
 *
 * Up to 15 digits over a power of ten up to 10^22 are one exact division (W. D. Clinger, "How to read floating point numbers
 * accurately", 1990). Up to 19 digits give a double that is off by two units in its last place at most; where both ends
 * of that range round to the same float32 it is the right one. What is left goes through `Number`.
 */
export class NumberScanner {
  /** The number read last. */
  value = 0;
  /** Set once a number was read that is right as float32 alone; whoever needs doubles clears it first. */
  rounded = false;
  /** Numbers are mostly as long as the one before. */
  #isShort = true;

  /** Reads the number at `at`; returns where it ends, or -1 where no JSON number stands there or float32 cannot hold it. */
  scan(bytes: Uint8Array, start: number): number {
    const short = this.#isShort ? this.#scanShort(bytes, start) : -1;
    if (short >= 0) return short;
    const end = this.#scanAny(bytes, start);
    this.#isShort = end - start <= SHORT_BYTES;
    return end;
  }

  /** What most numbers are: few digits, some before the point, and perhaps some behind it; -1 for any other. */
  #scanShort(bytes: Uint8Array, start: number): number {
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
      digits += places;
    }
    if (digits > SHORT_DIGITS || digits === places || (places === 0 && bytes[at - 1] === DOT)) return -1;
    if (byte === LOWER_E || byte === UPPER_E || (bytes[first] === ZERO && digits > places + 1)) return -1;
    const magnitude = places === 0 ? whole : whole / (POWERS[places] as number);
    this.value = negative ? -magnitude : magnitude;
    return at;
  }

  #scanAny(bytes: Uint8Array, start: number): number {
    let at = start;
    let byte = bytes[at] as number;
    const negative = byte === MINUS;
    if (negative) byte = bytes[++at] as number;

    const first = at;
    let whole = 0; // of the first 15 digits
    let rest = 0; // of those after
    let digits = 0; // significant ones
    let places = 0; // behind the point
    if (byte === ZERO) {
      byte = bytes[++at] as number;
    } else {
      while (byte >= ZERO && byte <= NINE) {
        if (digits < EXACT_DIGITS) whole = whole * 10 + (byte - ZERO);
        else rest = rest * 10 + (byte - ZERO);
        digits++;
        byte = bytes[++at] as number;
      }
      if (at === first) return -1;
    }
    if (byte === DOT) {
      const point = at;
      byte = bytes[++at] as number;
      while (byte >= ZERO && byte <= NINE) {
        if (digits < EXACT_DIGITS) {
          whole = whole * 10 + (byte - ZERO);
          if (whole !== 0) digits++;
        } else {
          rest = rest * 10 + (byte - ZERO);
          digits++;
        }
        byte = bytes[++at] as number;
      }
      places = at - point - 1;
      if (places === 0) return -1;
    }
    if (byte === LOWER_E || byte === UPPER_E || digits > MAX_DIGITS || places > 22) return this.#slow(bytes, start, at);

    if (digits <= EXACT_DIGITS) {
      const magnitude = places === 0 ? whole : whole / (POWERS[places] as number);
      this.value = negative ? -magnitude : magnitude;
      return at;
    }
    const magnitude = (whole * (POWERS[digits - EXACT_DIGITS] as number) + rest) / (POWERS[places] as number);
    if (Math.fround(magnitude * (1 - SLACK)) !== Math.fround(magnitude * (1 + SLACK)))
      return this.#slow(bytes, start, at);
    this.rounded = true;
    this.value = negative ? -magnitude : magnitude;
    return at;
  }

  /** The rest of the number's grammar, and `Number` for its value. */
  #slow(bytes: Uint8Array, start: number, at: number): number {
    let byte = bytes[at] as number;
    if (byte === LOWER_E || byte === UPPER_E) {
      byte = bytes[++at] as number;
      if (byte === PLUS || byte === MINUS) byte = bytes[++at] as number;
      if (!(byte >= ZERO && byte <= NINE)) return -1;
      while (byte >= ZERO && byte <= NINE) byte = bytes[++at] as number;
    }
    // Not by `String.fromCharCode(...)`: a number may have a million digits, and a call no such number of arguments.
    this.value = Number(Buffer.from(bytes.buffer, bytes.byteOffset + start, at - start).toString('latin1'));
    return Math.abs(this.value) > MAX_FLOAT32 ? -1 : at;
  }
}
