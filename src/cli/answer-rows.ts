import { RequestError } from '../core/errors.ts';
import type { ModelVersion } from '../core/model.ts';
import { createTableScorer } from '../scoring/table.ts';

/** Enough to know the shares of classes by; more would make a push wait. */
const MOST = 10_000;

export interface Answer {
  /** Of the class, as JSON. */
  readonly label: string;
  readonly confidence: number;
}

/** What a classifier says of rows, at most ten thousand of them picked evenly; rows that it does not take are left out. Nothing where it gives no confidence. @throws InfrastructureError */
export async function answerRows(
  version: ModelVersion,
  rows: readonly (readonly unknown[])[],
  signal: AbortSignal,
): Promise<readonly Answer[]> {
  const scorer = createTableScorer(version, Date.now);
  const { features } = version.card;
  const isAlone = features.length === 1 && features[0]?.type === 'tensor';
  const step = Math.max(1, rows.length / MOST);
  const picked = Array.from({ length: Math.min(rows.length, MOST) }, (_, i) => rows[Math.floor(i * step)] ?? []);
  const block = scorer.begin();
  const answers: Answer[] = [];
  for (let at = 0; at < picked.length; ) {
    for (; at < picked.length && block.count < scorer.blockRows; at++) {
      const values = (picked[at] ?? []).map((value, place) =>
        features[place]?.type === 'tensor' ? parsed(value) : value,
      );
      try {
        block.add(isAlone ? values[0] : values);
      } catch (thrown) {
        if (!(thrown instanceof RequestError)) throw thrown;
      }
    }
    const { runs } = await block.answer({ signal, priority: 1 });
    for (const { from, to, at: first, said } of runs) {
      for (let i = 0; i < to - from; i++) {
        const { prediction, confidence } = said.prediction(first + i);
        if (confidence !== undefined) answers.push({ label: JSON.stringify(prediction), confidence });
      }
    }
    block.clear();
  }
  return answers;
}

/** A list in a cell is JSON. */
function parsed(value: unknown): unknown {
  try {
    return typeof value === 'string' ? JSON.parse(value) : value;
  } catch {
    return value;
  }
}
