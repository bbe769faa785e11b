import { openCodecs } from '../app/open-codecs.ts';
import { MAX_BODY_BYTES } from '../app/open-scoring.ts';
import { createDecoder } from '../codecs/decoder.ts';
import { createDeadLetterRenderer } from '../codecs/event-json/dead-letter.ts';
import type { Settings } from '../config/settings.ts';
import type { ModelVersion } from '../core/model.ts';
import { difference, type GoldenRow } from '../models/golden.ts';
import { createScoring } from '../scoring/scoring.ts';
import { onlyOne } from './try-event.ts';

const SILENT = { info() {}, warn() {}, error() {} };

/** Answers golden rows by a version as serving does. @returns what differs, in words, at most ten lines @throws InfrastructureError */
export async function replayGolden(
  version: ModelVersion,
  rows: readonly GoldenRow[],
  settings: Settings,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const scoring = createScoring({
    decoder: createDecoder(openCodecs(settings, Date.now), { inputOf: () => version.card.input }),
    renderDeadLetter: createDeadLetterRenderer(MAX_BODY_BYTES, Date.now),
    catalog: onlyOne(version),
    clock: Date.now,
    requestTimeoutMs: undefined,
    maxBodyBytes: MAX_BODY_BYTES,
    log: SILENT,
  });
  const events = rows.map(({ request }, i) => ({
    body: Buffer.from(request),
    sequenceNumber: i,
    enqueuedAtMs: Date.now(),
    partitionKey: undefined,
    contentType: undefined,
    contentEncoding: undefined,
    properties: {},
  }));
  const { REQUESTS_HUB: hub, CONSUMER_GROUP: consumerGroup } = settings;
  const scored = await scoring.score({ hub, consumerGroup, partition: '0', events }, signal);
  const faults: string[] = [];
  for (let ending = 0; ending < scored.length && faults.length < MAX_FAULTS; ending++) {
    const { line, expected } = rows[scored.event(ending).sequenceNumber] as GoldenRow;
    const answer = JSON.parse(scored.body(ending).toString()) as Record<string, unknown> & {
      error?: { message: string };
    };
    const fault = answer.error === undefined ? difference(expected, answer) : `not answered: ${answer.error.message}`;
    if (fault !== undefined) faults.push(`line ${line}: ${fault}`);
  }
  return faults;
}

const MAX_FAULTS = 10;
