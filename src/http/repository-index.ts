import { z } from 'zod';
import type { ModelSummary } from '../core/catalog.ts';
import { malformed } from '../core/errors.ts';
import { fromUtf8 } from '../core/utf8.ts';

/** A version, as Triton's model repository extension lists it (protocol/extension_model_repository.md). */
export interface IndexEntry {
  readonly name: string;
  readonly version: string;
  /** `READY`: it is loaded. */
  readonly state: 'READY' | 'UNAVAILABLE';
  readonly reason: string;
}

const bodySchema = z.object({ ready: z.boolean().nullish() });

/**
 * All versions that there are, or those that are loaded where the body says `{"ready": true}`.
 * @throws RequestError malformed_payload where the body is anything but that, or nothing
 */
export function indexOf(models: readonly ModelSummary[], body: Uint8Array): readonly IndexEntry[] {
  const onlyReady = readBody(body).ready ?? false;
  const entries = models.flatMap(({ name, versions, loaded }) =>
    versions.map((version): IndexEntry => {
      if (loaded.some(label => label === version || label.startsWith(`${version}+`)))
        return { name, version, state: 'READY', reason: '' };
      return { name, version, state: 'UNAVAILABLE', reason: 'not loaded: the first request for it does that' };
    }),
  );
  return onlyReady ? entries.filter(({ state }) => state === 'READY') : entries;
}

function readBody(body: Uint8Array): z.infer<typeof bodySchema> {
  if (body.length === 0) return {};
  try {
    return bodySchema.parse(JSON.parse(fromUtf8(body) ?? ''));
  } catch {
    throw malformed('the body takes nothing, or {"ready": true} for those that are loaded');
  }
}
