import { createDecoder } from '../codecs/decoder.ts';
import { eventHubsConnection } from '../config/connection.ts';
import type { Settings } from '../config/settings.ts';
import { BlobGone, type Blobs, BlobUnusable } from '../core/blobs.ts';
import { isPassedOver, isRequest } from '../core/codec.ts';
import { parseCard } from '../models/card.ts';
import { compileInput } from '../models/compile-input.ts';
import type { Rollout } from '../rollouts/document.ts';
import { isShift, watchedBy } from '../rollouts/triggers.ts';
import { blameInWords, findBlame } from '../verdicts/blame.ts';
import { type ObserveOptions, observe } from '../verdicts/observe.ts';
import { openCodecs } from './open-codecs.ts';
import { openReader } from './open-events.ts';

const GROUP = 'monitor';
const BLOCK = 100;

export interface BlameOptions {
  /** The container of the models. */
  readonly models: Blobs;
  readonly model: string;
  readonly rollout: Rollout;
  /** What failed, as the document has it. */
  readonly trigger: string;
  /** So many endings of each partition are looked at, the newest. */
  readonly atMost: number;
}

/**
 * Where the trials pile up that a trigger failed by, in words, what explains most first: segments, features and buckets of the requests behind the candidate's newest endings. None
 * where the fault is everywhere, or nothing can be said; triggers by labels are not searched.
 * @throws InfrastructureError; the signal's reason
 */
export async function blameFor(
  settings: Settings,
  options: BlameOptions,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const { models, model, rollout, trigger, atMost } = options;
  const watched = watchedBy(trigger);
  if (watched === undefined || watched.metric === 'accuracy_drop' || watched.metric === 'error_increase') return [];
  if (isShift(watched.metric)) return []; // no request fails by it
  const connection = eventHubsConnection(settings);
  const open = (hub: string) => openReader(connection, hub, [GROUP, '$Default'], BLOCK);
  const hubs = {
    requests: open(settings.REQUESTS_HUB),
    results: open(settings.RESULTS_HUB),
    deadLetters: open(settings.DEAD_LETTER_HUB),
  };
  try {
    const read = await requestReader(settings, models, model, rollout.candidate, signal);
    const observations = await observe({ hubs, model, rollout, watched, read, atMost }, signal);
    return findBlame(observations, rollout.alpha).map(blameInWords);
  } finally {
    await Promise.allSettled(Object.values(hubs).map(reader => reader.close()));
  }
}

/** Reads requests by the candidate's card. */
async function requestReader(
  settings: Settings,
  models: Blobs,
  model: string,
  version: string,
  signal: AbortSignal,
): Promise<ObserveOptions['read']> {
  const file = `${model}/${version}/model.json`;
  const card = await models.readText(file, signal).then(
    ({ text }) => parseCard(text, file),
    thrown => {
      if (thrown instanceof BlobGone || thrown instanceof BlobUnusable) return undefined;
      throw thrown;
    },
  );
  const input = card && compileInput(card.input, file);
  const decoder = createDecoder(openCodecs(settings, Date.now), { inputOf: () => input });
  const names = (card?.features ?? []).map(({ name, type }) => ({ name, isNumber: type === 'number' }));
  return async event =>
    (await decoder.decode(event)).map(found => {
      if (isPassedOver(found) || !isRequest(found)) return undefined;
      return { features: found.ids === undefined ? featuresOf(found.features, names) : {}, segments: found.segments };
    });
}

/** By name; a pack, or tensors, have none that one could group by. */
function featuresOf(
  features: unknown,
  names: readonly { readonly name: string; readonly isNumber: boolean }[],
): Readonly<Record<string, unknown>> {
  if (typeof features !== 'object' || features === null) return {};
  const isList = Array.isArray(features);
  if (isList && features.some(value => typeof value === 'object' && value !== null)) return {};
  const given = features as Readonly<Record<string, unknown>>;
  if (names.length === 0) {
    const entries = Object.entries(given).map(([name, value]) => [isList ? `feature ${name}` : name, value] as const);
    return Object.fromEntries(entries);
  }
  return Object.fromEntries(
    names.map(({ name, isNumber }, i) => {
      const value = isList ? features[i] : given[name];
      const isText = isNumber && typeof value === 'string' && value.trim() !== '';
      return [name, isText ? Number(value) : value === '' ? undefined : value];
    }),
  );
}
