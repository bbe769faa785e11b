const [TAB, NEWLINE, RETURN, SPACE] = [9, 10, 13, 32];

/** The first byte from `at` on that is no white space of JSON (RFC 8259, 2). */
export function skipSpace(bytes: Uint8Array, at: number): number {
  while (isSpace(bytes[at] as number)) at++;
  return at;
}

export function isSpace(byte: number): boolean {
  return byte === SPACE || byte === NEWLINE || byte === RETURN || byte === TAB;
}
