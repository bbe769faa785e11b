const POWERS = Array.from({ length: 16 }, (_, exponent) => 10 ** exponent);
const [MINUS, DOT, ZERO, NINE] = [45, 46, 48, 57];

/** A decimal of up to 15 digits, which a double holds exactly but for one rounding; NaN where bytes are anything else, which a closer look is left to. */
export function exactNumber(bytes: Uint8Array, from: number, to: number): number {
  let at = from;
  const negative = bytes[at] === MINUS;
  if (negative) at++;
  if (at >= to || to - at > 16) return Number.NaN;
  let whole = 0;
  let digits = 0;
  let point = -1;
  for (; at < to; at++) {
    const byte = bytes[at] as number;
    if (byte >= ZERO && byte <= NINE) {
      whole = whole * 10 + (byte - ZERO);
      digits++;
    } else if (byte === DOT && point < 0 && digits > 0 && at + 1 < to) point = digits;
    else return Number.NaN;
  }
  if (digits > 15) return Number.NaN;
  const magnitude = point < 0 ? whole : whole / (POWERS[digits - point] as number);
  return negative ? -magnitude : magnitude;
}
