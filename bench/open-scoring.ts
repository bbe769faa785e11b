import { createDecoder } from '../src/codecs/decoder.ts';
import { createDeadLetterRenderer } from '../src/codecs/event-json/dead-letter.ts';
import type { ResultCache } from '../src/core/cache.ts';
import type { Catalog } from '../src/core/catalog.ts';
import { MAX_BATCH_BYTES } from '../src/core/hub-sender.ts';
import { createScoring, type Scoring } from '../src/scoring/scoring.ts';

const quiet = { info: () => {}, warn: () => {}, error: () => {} };
export const MAX_BODY_BYTES = MAX_BATCH_BYTES - 16_384;

/** Scoring as the app composes it. */
export function openScoring(catalog: Catalog, cache?: ResultCache): Scoring {
  return createScoring({
    decoder: createDecoder(),
    renderDeadLetter: createDeadLetterRenderer(MAX_BODY_BYTES, Date.now),
    catalog,
    clock: Date.now,
    requestTimeoutMs: undefined,
    maxBodyBytes: MAX_BODY_BYTES,
    log: quiet,
    cache,
  });
}
