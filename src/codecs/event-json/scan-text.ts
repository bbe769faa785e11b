const [ZERO, NINE, SPACE, DELETE] = [48, 57, 32, 127];
const [QUOTE, BACKSLASH] = [34, 92];
/** Longer whole numbers might read differently as a double. */
const MAX_ID_DIGITS = 15;

/** The end of a whole number that reads back as it stands there; -1 for any other. */
export function wholeNumberEnd(bytes: Uint8Array, start: number): number {
  let at = start;
  while ((bytes[at] as number) >= ZERO && (bytes[at] as number) <= NINE) at++;
  const digits = at - start;
  return digits === 0 || digits > MAX_ID_DIGITS || (bytes[start] === ZERO && digits > 1) ? -1 : at;
}

/** The closing quote of a text of plain ASCII without escapes; -1 for any other. */
export function textEnd(bytes: Uint8Array, start: number): number {
  let at = start;
  let byte = bytes[at] as number;
  while (byte !== QUOTE) {
    if (!(byte >= SPACE && byte < DELETE) || byte === BACKSLASH) return -1;
    byte = bytes[++at] as number;
  }
  return at;
}

export function standsAt(bytes: Uint8Array, at: number, expected: Uint8Array): boolean {
  for (let i = 0; i < expected.length; i++) if (bytes[at + i] !== expected[i]) return false;
  return true;
}
