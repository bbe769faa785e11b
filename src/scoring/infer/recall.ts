import { hash } from 'node:crypto';
import type { ResultCache } from '../../core/cache.ts';
import type { ModelVersion } from '../../core/model.ts';
import type { Prediction } from '../../core/prediction.ts';
import type { Chunk } from '../chunk.ts';
import type { Rows } from '../rows/rows.ts';
import { cacheTrialOf } from './cache-trial.ts';

/** Longer keys are hashed. */
const MAX_KEY_LENGTH = 128;

/** Which rows of a chunk have to be inferred, and where the predictions of the others come from. */
export interface Recall {
  /** The rows to infer: those that are not known, each once. */
  readonly rows: Rows;
  /** By row of the chunk: its place among `rows`, or -1 where it is known. */
  readonly places: Int32Array;
  readonly known: readonly (Prediction | undefined)[];
  /** No inference runs for this row: it is known, or the same as one before it. */
  isRepeat(row: number): boolean;
  /** Remembers what a row of `rows` was found to be. */
  remember(place: number, prediction: Prediction): void;
  /** Hands what was remembered to the cache. */
  store(): void;
}

/** Looks the rows of a chunk up and folds those that are the same; undefined where that is not worth it. */
export async function recall({ version, rows }: Chunk, cache: ResultCache): Promise<Recall | undefined> {
  const trial = cacheTrialOf(version);
  if (!trial.isWorthIt(rows.count)) return undefined;
  const keys = Array.from({ length: rows.count }, (_, row) => keyOf(version, rows.key(row)));
  const known = await cache.lookUp(keys);
  const places = new Int32Array(rows.count);
  const first = new Map<string, number>();
  const fresh: number[] = [];
  const repeats = new Uint8Array(rows.count);
  for (let row = 0; row < rows.count; row++) {
    const key = keys[row] as string;
    const before = first.get(key);
    repeats[row] = known[row] !== undefined || before !== undefined ? 1 : 0;
    places[row] = known[row] !== undefined ? -1 : (before ?? fresh.length);
    if (repeats[row] === 0) {
      first.set(key, fresh.length);
      fresh.push(row);
    }
  }
  trial.note(rows.count, rows.count - fresh.length);
  const learned: [string, Prediction][] = [];
  return {
    rows: fresh.length === rows.count ? rows : rows.pick(fresh),
    places,
    known,
    isRepeat: row => repeats[row] === 1,
    remember: (place, prediction) => learned.push([keys[fresh[place] as number] as string, prediction]),
    store: () => {
      if (learned.length > 0) cache.store(learned);
    },
  };
}

/** Model, version, content of its file, and the features as the model is given them. */
function keyOf({ name, label, sha256 }: ModelVersion, features: string): string {
  const canonical = features.length > MAX_KEY_LENGTH ? hash('sha256', features, 'base64url') : features;
  return `${name}/${label}/${sha256.slice(0, 16)}/${canonical}`;
}
