import type { ErrorCode } from '../../../src/core/errors.ts';
import type { Event, EventBatch } from '../../../src/core/event.ts';
import type { ModelVersion } from '../../../src/core/model.ts';
import type { Answered, Outcome, SliceTiming } from '../../../src/core/outcome.ts';
import { ScoredBatch } from '../../../src/core/scored-batch.ts';

export function event(sequenceNumber: number, enqueuedAtMs: number, properties: Record<string, unknown> = {}): Event {
  return {
    body: Buffer.from('{"secret":"payload"}'),
    sequenceNumber,
    enqueuedAtMs,
    partitionKey: undefined,
    contentType: undefined,
    contentEncoding: undefined,
    properties,
  };
}

export function batch(events: readonly Event[], partition = '2'): EventBatch {
  return { hub: 'inference-requests', consumerGroup: 'inference-consumer', partition, events };
}

export function result(of: Event, latencyMs: number, model = 'diabetes', modelVersion = '1.1.0+a1b2c3d4'): Outcome {
  return { ...ending(of), kind: 'result', model, modelVersion, code: undefined, latencyMs };
}

export function deadLetter(of: Event, code: ErrorCode, model?: string, modelVersion?: string): Outcome {
  return { ...ending(of), kind: 'dead-letter', model, modelVersion, code, latencyMs: 0 };
}

function ending(of: Event) {
  const resultId = `inference-requests/2/${of.sequenceNumber}`;
  return { event: of, resultId, requestId: undefined, variant: undefined, body: of.body };
}

export function slice(instances: number, computeMs: number, model = 'diabetes'): SliceTiming {
  return { model, modelVersion: '1.1.0+a1b2c3d4', instances, computeMs };
}

export function answered(version: ModelVersion, scoredAtMs: number): Answered {
  return {
    kind: 'answered',
    version,
    predictions: [{ prediction: 1 }, { prediction: 0 }],
    rows: 2,
    errors: [],
    several: true,
    requestedVersion: undefined,
    fallback: false,
    variant: undefined,
    degraded: false,
    cached: false,
    scoredAtMs,
    modelMs: 0.4,
  };
}

/** A batch and what became of it, as the ledger tells of them. */
export function scored(
  of: EventBatch,
  outcomes: readonly Outcome[],
  slices: readonly SliceTiming[],
): [EventBatch, ScoredBatch] {
  return [of, ScoredBatch.of(of, outcomes, slices)];
}
