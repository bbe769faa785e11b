import type { EventBatch } from '../core/event.ts';
import { LabelledPairs, type LabelOf } from './labels.ts';
import { addTally, NO_TALLY, type Pair, pairUp, type Tally, tallyOf } from './pairs.ts';
import type { ScoreEvents } from './told.ts';

export interface BacktestOptions {
  /** Calls back with the events of the window, each once, block by block. */
  readonly eachBlock: (work: (block: EventBatch) => Promise<void>) => Promise<void>;
  readonly baseline: ScoreEvents;
  readonly candidate: ScoreEvents;
  readonly labelOf: LabelOf;
  /** Told of every flip, in the order in which events come. */
  readonly onFlip: (pair: Pair) => void;
  readonly onBlock?: ((tally: Tally) => void) | undefined;
}

/** Has two versions answer the same events, and counts where they differ. Writes nothing. */
export async function backtest(
  { eachBlock, baseline, candidate, labelOf, onFlip, onBlock }: BacktestOptions,
  signal: AbortSignal,
): Promise<{ readonly tally: Tally; readonly labels: LabelledPairs }> {
  const labels = new LabelledPairs(labelOf);
  let tally = NO_TALLY;
  await eachBlock(async block => {
    if (block.events.length === 0) return;
    const theirs = await baseline(block, signal);
    const ours = await candidate(block, signal);
    const { pairs, unpaired } = pairUp(new Map(theirs.map(told => [told.resultId, told])), ours);
    for (const pair of pairs) {
      labels.add(pair);
      if (pair.isFlip) onFlip(pair);
    }
    tally = addTally(tally, tallyOf(pairs, unpaired));
    onBlock?.(tally);
  });
  return { tally, labels };
}
