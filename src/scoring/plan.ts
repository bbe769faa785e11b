import { hash } from 'node:crypto';
import { asError, RequestError } from '../core/errors.ts';
import type { Feature, ModelVersion } from '../core/model.ts';
import type { Prediction } from '../core/prediction.ts';
import { INTERPRETATION } from '../core/version.ts';
import { type AnswerReader, answerReaderOf } from './answers/read-answers.ts';
import { answerWriter } from './answers/result-json.ts';
import { Wordings } from './answers/wordings.ts';
import { CacheTrial } from './infer/cache-trial.ts';
import { Pace } from './infer/pace.ts';
import { type SliceSize, sliceSizeOf } from './infer/slices.ts';
import { Encoder } from './rows/rows.ts';

/** Everything that is worked out once for a model version, which never changes. */
export interface Plan {
  readonly version: ModelVersion;
  readonly encoder: Encoder;
  /** Features of an instance, where they may be read straight from an event's bytes: plain numbers into one input of floats, or one each; 0 otherwise. */
  readonly scanWidth: number;
  readonly slice: SliceSize;
  readonly pace: Pace;
  readonly cacheTrial: CacheTrial;
  readonly readAnswers: AnswerReader;
  /** Writes a prediction as the members of an answer. */
  readonly writeAnswer: (prediction: Prediction) => string;
  readonly wordings: Wordings;
  /** What answers of this version are remembered under, before the features. */
  readonly cacheScope: string;
}

/** @throws RequestError model_unavailable where the version's card does not fit its signature. */
export function planOf(version: ModelVersion): Plan {
  version.plan ??= compile(version);
  return version.plan as Plan;
}

function compile(version: ModelVersion): Plan {
  try {
    const writeAnswer = answerWriter(version.card.outputs.classes ?? []);
    const slice = sliceSizeOf(version);
    return {
      version,
      encoder: new Encoder(version),
      scanWidth: scanWidthOf(version),
      slice,
      pace: new Pace(version, slice),
      cacheTrial: new CacheTrial(version),
      readAnswers: answerReaderOf(version, writeAnswer),
      writeAnswer,
      wordings: new Wordings(version),
      cacheScope: cacheScopeOf(version),
    };
  } catch (thrown) {
    const cause = asError(thrown);
    const message = `${version.name} ${version.version} cannot serve: ${cause.message}`;
    throw new RequestError('model_unavailable', 'route', message, { cause });
  }
}

/** Model, version, content of its file and of its card, and how its outputs are read. */
function cacheScopeOf({ name, label, sha256, card }: ModelVersion): string {
  const cardHash = hash('sha256', JSON.stringify(card.raw), 'base64url').slice(0, 16);
  return `${name}/${label}/${sha256.slice(0, 16)}/${cardHash}/${INTERPRETATION}`;
}

function scanWidthOf({ signature, card }: ModelVersion): number {
  const { inputs } = signature;
  const width = card.features.length;
  // A matrix, or a column a feature.
  const columns = inputs.length === 1 ? width : inputs.length === width && isOneEach(card.features) ? 1 : 0;
  const plain = inputs.every(
    ({ type, dims }) => (type === 'float32' || type === 'float64') && dims.length === 2 && dims[1] === columns,
  );
  return plain && card.features.every(isPlainNumber) ? width : 0;
}

function isOneEach(features: readonly Feature[]): boolean {
  return new Set(features.map(({ input }) => input)).size === features.length;
}

function isPlainNumber({ type, encode, scale, range }: Feature): boolean {
  return type === 'number' && encode === undefined && scale === undefined && range === undefined;
}
