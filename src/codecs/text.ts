import { malformed } from '../core/errors.ts';
import { fromUtf8 } from '../core/utf8.ts';

/** Bytes as text, without a byte order mark. @throws RequestError malformed_payload where they are no UTF-8. */
export function readText(bytes: Buffer): string {
  const text = fromUtf8(bytes);
  if (text === undefined) throw malformed('the body is not UTF-8 text');
  return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
}

/** Undefined where the text is no JSON, which JSON itself cannot say. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
