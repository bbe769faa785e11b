import { z } from 'zod';
import type { FetchSchema, RegisteredSchema } from './schema-registry.ts';

const reference = z.looseObject({ subject: z.string(), version: z.number() });
const answer = z.looseObject({
  schema: z.string(),
  schemaType: z.enum(['AVRO', 'JSON', 'PROTOBUF']).default('AVRO'),
  references: z.array(reference).nullish(),
});
type Answer = z.infer<typeof answer>;

/** References of references of references. */
const MAX_REFERENCES = 100;

/**
 * Asks a Confluent schema registry by its REST API (`/schemas/ids/{id}`, `/subjects/{subject}/versions/{version}`).
 * @param auth `user:password`, or a token; undefined: none
 */
export function fromConfluent(url: string, auth: string | undefined): FetchSchema {
  const base = url.replace(/\/+$/, '');
  const headers: Record<string, string> = { accept: 'application/vnd.schemaregistry.v1+json, application/json' };
  if (auth !== undefined)
    headers.authorization = auth.includes(':') ? `Basic ${Buffer.from(auth).toString('base64')}` : `Bearer ${auth}`;

  async function get(path: string, signal: AbortSignal): Promise<Answer | undefined> {
    const response = await fetch(`${base}${path}`, { headers, signal, redirect: 'error' });
    if (response.status === 404) {
      await response.body?.cancel();
      return undefined;
    }
    if (!response.ok) {
      await response.body?.cancel();
      throw new Error(`GET ${path} was answered ${response.status}`);
    }
    const parsed = answer.safeParse(await response.json());
    if (!parsed.success) throw new Error(`GET ${path} was answered by something other than a schema`);
    return parsed.data;
  }

  /** Depth first, each once, so that whatever is referred to is known before. */
  async function referencesOf({ references }: Answer, seen: Map<string, string>, signal: AbortSignal): Promise<void> {
    for (const { subject, version } of references ?? []) {
      const path = `/subjects/${encodeURIComponent(subject)}/versions/${version}`;
      if (seen.has(path)) continue;
      if (seen.size >= MAX_REFERENCES) throw new Error(`more than ${MAX_REFERENCES} references`);
      seen.set(path, '');
      const found = await get(path, signal);
      if (found === undefined) throw new Error(`${path} is referred to, and not there`);
      await referencesOf(found, seen, signal);
      seen.delete(path);
      seen.set(path, found.schema);
    }
  }

  return async (id, signal): Promise<RegisteredSchema | undefined> => {
    const found = await get(`/schemas/ids/${id}`, signal);
    if (found === undefined) return undefined;
    const seen = new Map<string, string>();
    await referencesOf(found, seen, signal);
    return { type: found.schemaType, text: found.schema, references: [...seen.values()] };
  };
}
