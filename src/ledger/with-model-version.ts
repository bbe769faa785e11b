import { gunzipSync } from 'node:zlib';

/**
 * A request's body with another `model_version`; undefined where the body is not one JSON request. The field is put at the end,
 * where it wins over one that stands before (JSON.parse takes the last), so that every other byte stays as it was: long
 * numbers would not survive being parsed and written again.
 */
export function withModelVersion(body: Buffer, modelVersion: string): Buffer | undefined {
  const text = textOf(body)?.trimEnd();
  const request = text === undefined ? undefined : parseObject(text);
  if (!request || text === undefined) return undefined;
  const comma = Object.keys(request).length > 0 ? ',' : '';
  return Buffer.from(`${text.slice(0, -1)}${comma}"model_version":${JSON.stringify(modelVersion)}}`, 'utf8');
}

function textOf(body: Buffer): string | undefined {
  try {
    const packed = body[0] === 0x1f && body[1] === 0x8b;
    return (packed ? gunzipSync(body) : body).toString('utf8');
  } catch {
    return undefined;
  }
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}
