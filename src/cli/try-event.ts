import { openCodecs } from '../app/open-codecs.ts';
import { MAX_BODY_BYTES } from '../app/open-scoring.ts';
import { createDecoder } from '../codecs/decoder.ts';
import { createDeadLetterRenderer } from '../codecs/event-json/dead-letter.ts';
import type { Settings } from '../config/settings.ts';
import type { Catalog } from '../core/catalog.ts';
import { type Found, isPassedOver, isRequest } from '../core/codec.ts';
import type { Event } from '../core/event.ts';
import type { ModelVersion } from '../core/model.ts';
import { InputTensors } from '../core/open-inference.ts';
import { planOf } from '../scoring/plan.ts';
import { createScoring } from '../scoring/scoring.ts';

/** What became of one record of an event, as far as it came. */
export interface TriedRecord {
  readonly passed_over?: true;
  readonly request_id?: unknown;
  /** As the model's features are given: by name, or in order. */
  readonly features?: unknown;
  readonly carried?: unknown;
  /** What the model is given. */
  readonly inputs?: Readonly<Record<string, { type: string; shape: readonly number[]; data: readonly unknown[] }>>;
  readonly result?: unknown;
  readonly error?: { readonly code: string; readonly message: string; readonly stage: string };
}

const SILENT = { info() {}, warn() {}, error() {} };

/** Scores one event by one version, as serving does, and keeps what stands between the steps. @throws InfrastructureError where a schema registry is away. */
export async function tryEvent(
  version: ModelVersion,
  event: Event,
  settings: Settings,
  signal: AbortSignal,
): Promise<readonly TriedRecord[]> {
  const decoder = createDecoder(openCodecs(settings, Date.now), { inputOf: () => version.card.input });
  const found = await decoder.decode(event);
  const scoring = createScoring({
    decoder,
    renderDeadLetter: createDeadLetterRenderer(MAX_BODY_BYTES, Date.now),
    catalog: onlyOne(version),
    clock: Date.now,
    requestTimeoutMs: undefined,
    maxBodyBytes: MAX_BODY_BYTES,
    log: SILENT,
  });
  const batch = { hub: settings.REQUESTS_HUB, consumerGroup: settings.CONSUMER_GROUP, partition: '0', events: [event] };
  const scored = await scoring.score(batch, signal);
  const endings = scored.outcomes().map(({ body }) => JSON.parse(body.toString()) as Record<string, unknown>);
  let next = 0;
  return found.map((item): TriedRecord => {
    if (isPassedOver(item)) return { passed_over: true };
    const { error, ...result } = endings[next++] as { error?: NonNullable<TriedRecord['error']> };
    return { ...readAs(item, version), ...(error === undefined ? { result } : { error }) };
  });
}

function readAs(item: Exclude<Found, { passedOver: true }>, version: ModelVersion): TriedRecord {
  if (!isRequest(item)) return { request_id: item.requestId };
  const { requestId, features, carried } = item;
  const shown = features instanceof InputTensors ? features.inputs : features;
  return {
    request_id: requestId,
    features: shown,
    ...(carried === undefined ? {} : { carried: JSON.parse(carried) as unknown }),
    ...inputsOf(features, version),
  };
}

/** Undefined where they do not fit: the ending says why. */
function inputsOf(features: unknown, version: ModelVersion): Pick<TriedRecord, 'inputs'> {
  try {
    const rows = planOf(version).encoder.begin(1);
    rows.add(features);
    const alike = rows.byShape()?.[0];
    const taken = alike === undefined ? rows : rows.pick(alike);
    const tensors = Object.entries(taken.tensors(0, taken.count, taken.count));
    const plain = (value: unknown) => (typeof value === 'bigint' ? String(value) : value);
    return {
      inputs: Object.fromEntries(
        tensors.map(([name, { type, dims, data }]) => [name, { type, shape: dims, data: Array.from(data, plain) }]),
      ),
    };
  } catch {
    return {};
  }
}

/** Whatever a request asks for, this version answers. */
export function onlyOne(version: ModelVersion): Catalog {
  const route = { version, requestedVersion: undefined, fallback: false, variant: undefined };
  return { routing: () => ({ route }), fallbackFor: async () => undefined, list: async () => [] };
}
