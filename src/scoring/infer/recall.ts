import { hash } from 'node:crypto';
import type { ResultCache } from '../../core/cache.ts';
import type { Prediction } from '../../core/prediction.ts';
import { type AnswerColumns, GeneralAnswers } from '../answers/answer-columns.ts';
import type { Plan } from '../plan.ts';
import type { Rows } from '../rows/rows.ts';

/** Longer keys are hashed. */
const MAX_KEY_LENGTH = 128;

/** A row that need not be inferred. */
export interface Repeat {
  readonly row: number;
  /** The row before it that is the same; itself where there is none. */
  readonly like: number;
  /** What the cache knows of it. */
  readonly answers: AnswerColumns | undefined;
}

/** Which rows have to be inferred, and where the answers of the others come from. */
export interface Recall {
  /** The rows to infer: those that are not known, each once. */
  readonly rows: Rows;
  /** Which of all rows one of `rows` is. */
  rowOf(row: number): number;
  readonly repeats: readonly Repeat[];
  /** Remembers what a row of all was found to be. */
  remember(row: number, prediction: Prediction): void;
  /** Hands what was remembered to the cache. */
  store(): void;
}

/** Looks rows up and folds those that are the same; undefined where that is not worth it. */
export async function recall(plan: Plan, rows: Rows, cache: ResultCache): Promise<Recall | undefined> {
  const { cacheScope, cacheTrial, writeAnswer } = plan;
  if (!cacheTrial.isWorthIt(rows.count)) {
    cache.bypass(rows.count);
    return undefined;
  }
  const keys = Array.from({ length: rows.count }, (_, row) => keyOf(cacheScope, rows.key(row)));
  const known = await cache.lookUp(keys);
  const first = new Map<string, number>();
  const fresh: number[] = [];
  const repeats: Repeat[] = [];
  keys.forEach((key, row) => {
    const prediction = known[row];
    const like = first.get(key);
    if (prediction !== undefined) {
      repeats.push({ row, like: row, answers: new GeneralAnswers(() => prediction, writeAnswer) });
    } else if (like !== undefined) repeats.push({ row, like, answers: undefined });
    else {
      first.set(key, row);
      fresh.push(row);
    }
  });
  cacheTrial.note(rows.count, repeats.length);
  const learned: [string, Prediction][] = [];
  return {
    rows: repeats.length === 0 ? rows : rows.pick(fresh),
    rowOf: row => fresh[row] as number,
    repeats,
    remember: (row, prediction) => learned.push([keys[row] as string, prediction]),
    store: () => {
      if (learned.length > 0) cache.store(learned);
    },
  };
}

/** The version as it answers, and the features as the model is given them. */
function keyOf(scope: string, features: string): string {
  const canonical = features.length > MAX_KEY_LENGTH ? hash('sha256', features, 'base64url') : features;
  return `${scope}/${canonical}`;
}
