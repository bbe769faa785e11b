import type { Blobs } from '../core/blobs.ts';
import { eachLine, HOUR_MS, hourOf } from '../sweep/labels/chunks.ts';
import { isRight } from '../sweep/labels/prediction.ts';
import { type Label, requestKey, resultKey } from '../sweep/labels/read-label.ts';
import { isSame, type Pair } from './pairs.ts';
import type { PairLabels } from './verdict.ts';

/** What is the truth of a request; undefined where nobody said. */
export type LabelOf = (pair: Pair) => unknown;

/** The labels that the sweep took in for a model, those of the last LABEL_WINDOW_DAYS. Labels of a pack's rows are left out: a pack is one request here. */
export async function readLabels(blobs: Blobs, model: string, fromMs: number, signal: AbortSignal): Promise<LabelOf> {
  const newest = new Map<string, Label>();
  for (const chunk of await blobs.list('labels/', signal)) {
    // A label comes after its request.
    if (hourOf(chunk.path) + HOUR_MS < fromMs) continue;
    const look = (line: string) => {
      const label = JSON.parse(line) as Label;
      if (label.row !== undefined || (label.model !== undefined && label.model !== model)) return;
      const before = newest.get(label.key);
      if (before === undefined || before.atMs <= label.atMs) newest.set(label.key, label);
    };
    await eachLine(blobs, chunk, look, signal);
  }
  return ({ candidate: { resultId, requestId } }) =>
    (newest.get(resultKey(resultId)) ?? newest.get(requestKey(requestId)))?.label;
}

/** Counts which of the two was right. */
export class LabelledPairs implements PairLabels {
  labelled = 0;
  baselineRight = 0;
  candidateRight = 0;
  onlyBaseline = 0;
  onlyCandidate = 0;
  readonly #labelOf: LabelOf;

  constructor(labelOf: LabelOf) {
    this.#labelOf = labelOf;
  }

  add(pair: Pair): void {
    const label = this.#labelOf(pair);
    const { baseline, candidate, isFlip } = pair;
    if (label === undefined || baseline.several) return;
    const right = (prediction: unknown) => isRight(prediction, label) || isSame(prediction, label);
    const ours = candidate.isAnswer && right(candidate.prediction);
    const theirs = right(baseline.prediction);
    this.labelled++;
    if (ours) this.candidateRight++;
    if (theirs) this.baselineRight++;
    if (!isFlip || ours === theirs) return;
    if (theirs) this.onlyBaseline++;
    else this.onlyCandidate++;
  }
}
