import { createDecoder } from '../codecs/decoder.ts';
import { createDeadLetterRenderer } from '../codecs/event-json/dead-letter.ts';
import type { Settings } from '../config/settings.ts';
import type { ResultCache } from '../core/cache.ts';
import type { Catalog } from '../core/catalog.ts';
import { MAX_BATCH_BYTES } from '../core/hub-sender.ts';
import type { InputSource } from '../core/input.ts';
import { createScoring, type Scoring } from '../scoring/scoring.ts';
import { openCodecs } from './open-codecs.ts';
import type { World } from './world.ts';

/** Room for the properties of a message beside its body, within what Event Hubs takes. */
const ENVELOPE_BYTES = 16_384;
/** Of a result or a dead letter. */
export const MAX_BODY_BYTES = MAX_BATCH_BYTES - ENVELOPE_BYTES;

/** What events and HTTP requests are scored by. */
export function openScoring(
  settings: Settings,
  parts: World & { readonly catalog: Catalog & InputSource; readonly cache: ResultCache | undefined },
): Scoring {
  return createScoring({
    ...parts,
    decoder: createDecoder(openCodecs(settings, parts.clock), parts.catalog),
    renderDeadLetter: createDeadLetterRenderer(MAX_BODY_BYTES, parts.clock),
    requestTimeoutMs: settings.REQUEST_TIMEOUT_MS,
    maxBodyBytes: MAX_BODY_BYTES,
  });
}
