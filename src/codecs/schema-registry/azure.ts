import type { FetchSchema } from './schema-registry.ts';

const API_VERSION = '2023-07-01';

/**
 * Asks the schema registry of an Event Hubs namespace (`/$schemaGroups/$schemas/{id}`).
 * @param token of the identity, for `https://eventhubs.azure.net/.default`; undefined: none is sent
 */
export function fromAzure(url: string, token: ((signal: AbortSignal) => Promise<string>) | undefined): FetchSchema {
  const base = url.replace(/\/+$/, '');
  return async (id, signal) => {
    const headers: Record<string, string> = {};
    if (token !== undefined) headers.authorization = `Bearer ${await token(signal)}`;
    const path = `/$schemaGroups/$schemas/${id}?api-version=${API_VERSION}`;
    const response = await fetch(`${base}${path}`, { headers, signal, redirect: 'error' });
    const text = await response.text();
    if (response.status === 404) return undefined;
    if (!response.ok) throw new Error(`GET ${path} was answered ${response.status}`);
    const type = /serialization=json/i.test(response.headers.get('content-type') ?? '') ? 'JSON' : 'AVRO';
    return { type, text, references: [] };
  };
}
