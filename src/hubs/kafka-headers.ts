type Fields = Readonly<Record<string, unknown>>;

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
/** What Microsoft's guide to mixed protocols asks Kafka producers to add; the host lower-cases its first letter. */
const MARKER = 'rawHeaders';

/**
 * Application properties with Kafka headers as the bytes that they are. Event Hubs gives every header of a Kafka record on as bytes, and the
 * functions host writes bytes into its JSON as base64, which cannot be told from a text. So they are taken for bytes only
 * where the event surely came by Kafka (it has a Kafka key, or the header RawHeaders), or where all of them read as text once
 * unpacked and the padding of one says that it is no name: `MS4xLjA=`.
 */
export function withKafkaHeaders(properties: Fields, hasKafkaKey: boolean): Fields {
  if (!hasKafkaKey && properties[MARKER] === undefined && !looksPacked(properties)) return properties;
  return Object.fromEntries(Object.entries(properties).map(([name, value]) => [name, unpacked(value)]));
}

/** A record's key as text; the host gives it as base64 too. */
export function readKafkaKey(value: unknown): string | undefined {
  const bytes = unpacked(value);
  if (!(bytes instanceof Uint8Array)) return typeof value === 'string' ? value : undefined;
  const text = Buffer.from(bytes).toString('utf8');
  return text.includes('\uFFFD') && typeof value === 'string' ? value : text;
}

function unpacked(value: unknown): unknown {
  return typeof value === 'string' && BASE64.test(value) ? Buffer.from(value, 'base64') : value;
}

function looksPacked(properties: Fields): boolean {
  let padded = false;
  for (const name in properties) {
    const value = properties[name];
    if (typeof value !== 'string' || !BASE64.test(value)) return false;
    // biome-ignore lint/suspicious/noControlCharactersInRegex: texts hold none
    if (/[\u0000-\u001F\u007F\uFFFD]/.test(Buffer.from(value, 'base64').toString('utf8'))) return false;
    padded ||= value.endsWith('=');
  }
  return padded;
}
