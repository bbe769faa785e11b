import { createHmac, timingSafeEqual } from 'node:crypto';

/** The only key the endpoint knows, as in the official emulator's connection string. */
export const SAS_KEY = 'SAS_KEY_VALUE';

/** Until when a token holds that has no fault, milliseconds since the epoch. */
export function expiryOfToken(token: string): number {
  return Number(/[ &]se=(\d+)/.exec(token)?.[1]) * 1000;
}

/**
 * Why a shared access signature does not hold, or undefined where it does. The signature is the HMAC-SHA256 of the raw
 * (still URL-encoded) resource, a newline and the expiry.
 */
export function faultOfToken(token: string, nowMs: number): string | undefined {
  const match = /^SharedAccessSignature (.*)$/.exec(token);
  if (!match) return 'the token is not a SharedAccessSignature; the local endpoint takes no other';
  const fields = new Map<string, string>();
  for (const field of (match[1] as string).split('&')) {
    const equals = field.indexOf('=');
    fields.set(field.slice(0, equals), field.slice(equals + 1));
  }
  const [resource, signature, expiry] = [fields.get('sr'), fields.get('sig'), fields.get('se')];
  if (!resource || !signature || !expiry) return 'the token lacks sr, sig or se';
  const expected = createHmac('sha256', SAS_KEY).update(`${resource}\n${expiry}`).digest();
  const given = Buffer.from(decodeURIComponent(signature), 'base64');
  if (given.length !== expected.length || !timingSafeEqual(given, expected))
    return `the token's signature is wrong: the local SharedAccessKey is ${SAS_KEY}`;
  if (Number(expiry) * 1000 < nowMs) return 'the token has expired';
  return undefined;
}
