import type { MessageList, OutgoingMessage, Properties } from '../core/hub-sender.ts';
import type { Outcome } from '../core/outcome.ts';
import type { ResultBlock } from '../core/result-block.ts';
import { BlockMessages } from '../hubs/block-messages.ts';
import type { Standing } from './standing.ts';

/** What is still to be appended for a batch: the dead letters first, then the results. */
export interface EndingPlan<List extends MessageList = readonly OutgoingMessage[]> {
  readonly deadLetters: List;
  readonly results: List;
}

/**
 * Outcomes as messages, each with the mark that is true once it is appended and everything before it in the plan is confirmed.
 *
 * - Dead letters of a mixed batch go first and bear the mark from before the batch: results are still missing.
 * - A result bears the number just before the next result's event. What lies between has ended: as dead letters that are
 *   confirmed, or in `standing.ended`. Results of one event but the last thus leave their event unsettled.
 * - Dead letters without a result behind them bear the mark themselves, by the same rule.
 *
 * Outcomes that are there already (at or below the mark, or in `standing.ended`) are left out, whatever kind they are this
 * time: a request has the first ending it was given.
 */
export function planEndings(
  outcomes: readonly Outcome[],
  standing: Standing,
  batch: { readonly partition: string; readonly lastSequenceNumber: number },
): EndingPlan {
  const missing = outcomes.filter(
    outcome => outcome.event.sequenceNumber > standing.settledThrough && !standing.ended.has(outcome.resultId),
  );
  const results = missing.filter(outcome => outcome.kind === 'result');
  const deadLetters = missing.filter(outcome => outcome.kind === 'dead-letter');
  const asMessage = messageMaker(batch.partition, standing.log);
  const marked = (list: readonly Outcome[]): OutgoingMessage[] =>
    list.map((outcome, i) =>
      asMessage(outcome, (list[i + 1]?.event.sequenceNumber ?? batch.lastSequenceNumber + 1) - 1),
    );
  return {
    deadLetters:
      results.length > 0 ? deadLetters.map(letter => asMessage(letter, standing.settledThrough)) : marked(deadLetters),
    results: marked(results),
  };
}

/** The same plan for a block of results, none of which is there already; undefined where some are. */
export function planBlock(
  block: ResultBlock,
  standing: Standing,
  batch: { readonly partition: string; readonly lastSequenceNumber: number },
): EndingPlan<MessageList> | undefined {
  const [first] = block.events;
  if (standing.ended.size > 0 || !first || first.sequenceNumber <= standing.settledThrough) return undefined;
  const { model, modelVersion } = block;
  const shared = sharedProperties({ model, modelVersion, variant: undefined }, batch.partition, standing.log);
  return { deadLetters: [], results: new BlockMessages(block, shared, batch.lastSequenceNumber) };
}

function messageMaker(partition: string, log: number): (outcome: Outcome, settledThrough: number) => OutgoingMessage {
  const sharedBy = new Map<string, Properties>();
  let last: Outcome | undefined;
  let shared: Properties = {};
  return (outcome, settledThrough) => {
    const { model, modelVersion, variant } = outcome;
    if (!last || last.model !== model || last.modelVersion !== modelVersion || last.variant !== variant) {
      const key = JSON.stringify([model, modelVersion, variant]);
      shared = sharedBy.get(key) ?? sharedProperties(outcome, partition, log);
      sharedBy.set(key, shared);
      last = outcome;
    }
    const { traceparent } = outcome.event.properties;
    const position = { source_sequence_number: outcome.event.sequenceNumber, settled_through: settledThrough };
    return {
      messageId: outcome.resultId,
      shared,
      own: typeof traceparent === 'string' ? { ...position, traceparent } : position,
      body: outcome.body,
    };
  };
}

function sharedProperties(
  { model, modelVersion, variant }: Pick<Outcome, 'model' | 'modelVersion' | 'variant'>,
  partition: string,
  log: number,
): Properties {
  return {
    ...(model === undefined ? undefined : { model }),
    ...(modelVersion === undefined ? undefined : { model_version: modelVersion }),
    ...(variant === undefined ? undefined : { variant }),
    source_partition: partition,
    source_log: log,
  };
}
