import { EndingMessages, type Mark } from '../core/ending-messages.ts';
import type { ScoredBatch } from '../core/scored-batch.ts';
import type { Standing } from './standing.ts';

/** What is still to be appended for a batch: the dead letters first, then the results. */
export interface EndingPlan {
  readonly deadLetters: EndingMessages;
  readonly results: EndingMessages;
}

const NONE = new Uint32Array(0);

/**
 * Endings as messages, each with the mark that is true once it is appended and everything before it in the plan is confirmed.
 *
 * - Dead letters of a mixed batch go first and bear the mark from before the batch: results are still missing.
 * - A result bears the number just before the next result's event. What lies between has ended: as dead letters that are
 *   confirmed, or in `standing.ended`. Results of one event but the last thus leave their event unsettled.
 * - Dead letters without a result behind them bear the mark themselves, by the same rule.
 *
 * Endings that are there already (at or below the mark, or in `standing.ended`) are left out, whatever kind they are this
 * time: a request has the first ending it was given.
 * @param asCloudEvents results are CloudEvents
 */
export function planEndings(
  scored: ScoredBatch,
  standing: Standing,
  batch: { readonly partition: string; readonly lastSequenceNumber: number },
  asCloudEvents = false,
): EndingPlan {
  const properties = { source_partition: batch.partition, source_log: standing.log };
  const messages = (endings: Uint32Array | undefined, mark: Mark, asCloudEvents = false) =>
    new EndingMessages(scored, endings, mark, properties, asCloudEvents);
  const rising: Mark = { rises: true, settledThrough: batch.lastSequenceNumber };
  if (isMissing(scored, standing) && scored.arms.every(({ kind }) => kind === 'result')) {
    return { deadLetters: messages(NONE, rising), results: messages(undefined, rising, asCloudEvents) };
  }
  const [results, deadLetters] = missingEndings(scored, standing);
  const before: Mark = { rises: false, settledThrough: standing.settledThrough };
  return {
    deadLetters: messages(deadLetters, results.length > 0 ? before : rising),
    results: messages(results, rising, asCloudEvents),
  };
}

/** Whether nothing of the batch can be there already. */
function isMissing({ events: [first] }: ScoredBatch, { ended, settledThrough }: Standing): boolean {
  return ended.size === 0 && first !== undefined && first.sequenceNumber > settledThrough;
}

function missingEndings(scored: ScoredBatch, standing: Standing): [results: Uint32Array, deadLetters: Uint32Array] {
  const isResult = scored.arms.map(({ kind }) => kind === 'result');
  const missing = [new Uint32Array(scored.length), new Uint32Array(scored.length)] as const;
  const counts: [number, number] = [0, 0];
  for (let ending = 0; ending < scored.length; ending++) {
    if (scored.event(ending).sequenceNumber <= standing.settledThrough) continue;
    if (standing.ended.size > 0 && standing.ended.has(scored.resultId(ending))) continue;
    const kind = isResult[scored.armOf(ending)] ? 0 : 1;
    missing[kind][counts[kind]++] = ending;
  }
  return [missing[0].subarray(0, counts[0]), missing[1].subarray(0, counts[1])];
}
