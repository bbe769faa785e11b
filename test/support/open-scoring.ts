import { createDecoder } from '../../src/codecs/decoder.ts';
import { createDeadLetterRenderer } from '../../src/codecs/event-json/dead-letter.ts';
import type { Catalog } from '../../src/core/catalog.ts';
import { createScoring, type Scoring, type ScoringOptions } from '../../src/scoring/scoring.ts';
import { quiet } from './events.ts';

/** Scoring as the app composes it. */
export function openScoring(catalog: Catalog, change: Partial<ScoringOptions> = {}): Scoring {
  const { clock = Date.now, maxBodyBytes = 1_000_000 } = change;
  return createScoring({
    decoder: createDecoder(),
    renderDeadLetter: createDeadLetterRenderer(maxBodyBytes, clock),
    catalog,
    clock,
    requestTimeoutMs: undefined,
    maxBodyBytes,
    log: quiet,
    ...change,
  });
}
