/**
 * Everything that a command shows of what it did not write itself (ids, names, messages, bodies) goes through here: a terminal obeys control characters,
 * those of the C1 set without an escape too, and marks of direction show a text as another than it is.
 */
const CONTROLS = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu;

const escaped = (sign: string) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** The text on one line, with what a terminal would obey as `\u001b`. */
export function printable(text: string): string {
  return text.replace(CONTROLS, escaped);
}

/** The same of a text of several lines, which stay lines. */
export function printableLines(text: string): string {
  return text.split('\n').map(printable).join('\n');
}

/** A value as JSON on one line, which says the same and holds nothing that a terminal would obey. */
export function jsonLine(value: unknown): string {
  return printable(JSON.stringify(value) ?? 'null');
}

/** A JSON text as it came, on one line: between its tokens control characters are white space, within its texts they may only stand escaped. */
export function jsonAsItCame(text: string): string {
  return text
    .trim()
    .replace(/[\t\n\r]+/g, ' ')
    .replace(CONTROLS, escaped);
}
