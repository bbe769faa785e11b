import { createDecoder } from '../codecs/decoder.ts';
import { createDeadLetterRenderer } from '../codecs/event-json/dead-letter.ts';
import type { Settings } from '../config/settings.ts';
import type { Catalog } from '../core/catalog.ts';
import { RequestError } from '../core/errors.ts';
import type { InputSource } from '../core/input.ts';
import type { ModelVersion } from '../core/model.ts';
import { createScoring } from '../scoring/scoring.ts';
import { type ScoreEvents, type Told, toldOf } from '../shadow/told.ts';
import { openCodecs } from './open-codecs.ts';
import { MAX_BODY_BYTES } from './open-scoring.ts';

const SILENT = { info() {}, warn() {}, error() {} };
/** What no version of the model is asked for. */
const NOT_MEANT = 'unknown_model';

/**
 * Scores events by one version as the stream does, whatever they were answered by: those of its model that name no version, or `production`. Nothing is cached, and nothing comes too
 * late: time stands still where their block begins.
 */
export async function createVersionScorer(
  settings: Settings,
  catalog: Catalog & InputSource,
  version: ModelVersion,
): Promise<ScoreEvents> {
  const { name } = version;
  const models = await catalog.list();
  const isDefault = (settings.DEFAULT_MODEL ?? (models.length === 1 ? models[0]?.name : undefined)) === name;
  const isMeant = (model: string | undefined, asked: string | undefined) =>
    (model === name || (model === undefined && isDefault)) &&
    (asked === undefined || asked === '' || asked.toLowerCase() === 'production');
  const route = { version, requestedVersion: undefined, fallback: false, variant: undefined };
  let nowMs = 0;
  const clock = () => nowMs;
  const scoring = createScoring({
    decoder: createDecoder(openCodecs(settings, Date.now), {
      inputOf: (model, asked) => (isMeant(model, asked) ? version.card.input : catalog.inputOf(model, asked)),
    }),
    renderDeadLetter: createDeadLetterRenderer(MAX_BODY_BYTES, clock),
    catalog: {
      routing(model, asked) {
        if (isMeant(model, asked)) return { route };
        throw new RequestError(NOT_MEANT, 'route', 'another model or version is asked for');
      },
      fallbackFor: async () => undefined,
      list: async () => [],
    },
    clock,
    requestTimeoutMs: undefined,
    maxBodyBytes: MAX_BODY_BYTES,
    log: SILENT,
  });
  return async (batch, signal) => {
    const events = batch.events.filter(({ properties }) => (properties.model ?? name) === name);
    if (events.length === 0) return [];
    nowMs = events[0]?.enqueuedAtMs ?? 0;
    const scored = await scoring.score({ ...batch, events }, signal);
    const told: Told[] = [];
    for (let ending = 0; ending < scored.length; ending++) {
      const arm = scored.arm(ending);
      if (arm.code(scored.rowOf(ending)) === NOT_MEANT) continue;
      const said = toldOf({
        resultId: scored.resultId(ending),
        enqueuedAtMs: scored.event(ending).enqueuedAtMs,
        version: arm.modelVersion ?? version.label,
        body: scored.body(ending),
      });
      if (said !== undefined) told.push(said);
    }
    return told;
  };
}

/** The version that a name and a version, or an alias, stand for, loaded. @throws RequestError where another one would stand in */
export async function versionAsked(catalog: Catalog, name: string, asked: string | undefined): Promise<ModelVersion> {
  const { route, production } = await catalog.routing(name, asked);
  const found = route ?? production;
  if (!found.fallback && found.version.name === name) return found.version;
  throw new RequestError('model_unavailable', 'route', `${name} ${asked ?? 'production'} cannot be loaded`);
}
