import { asError, InfrastructureError, RequestError } from '../core/errors.ts';
import type { EventBatch } from '../core/event.ts';
import type { Log } from '../core/log.ts';
import type { Outcome, ScoredBatch } from '../core/outcome.ts';
import type { RenderDeadLetter } from './append-endings.ts';

export type Score = (batch: EventBatch, signal: AbortSignal) => Promise<ScoredBatch>;

/**
 * Scores a batch; should scoring itself fail, which no request should be able to cause, the batch is halved until the
 * culprit stands alone and ends as a dead letter `unexpected`: one event must not hold its partition for ever.
 * @throws InfrastructureError, and the signal's reason.
 */
export async function scoreSafely(
  batch: EventBatch,
  score: Score,
  renderDeadLetter: RenderDeadLetter,
  log: Log,
  signal: AbortSignal,
): Promise<ScoredBatch> {
  try {
    const scored = await score(batch, signal);
    if (scored.block?.events !== batch.events) checkComplete(batch, scored.outcomes);
    return scored;
  } catch (thrown) {
    signal.throwIfAborted();
    if (thrown instanceof InfrastructureError) throw thrown;
    const { events, hub, partition } = batch;
    const [event] = events;
    if (!event) return { outcomes: [], slices: [] };
    if (events.length === 1) {
      const resultId = `${hub}/${partition}/${event.sequenceNumber}`;
      const error = asError(thrown);
      log.error(`scoring ${resultId} failed unexpectedly: ${error.stack ?? error.message}`);
      const fault = new RequestError('unexpected', 'infer', error.message, { cause: error });
      const letter = renderDeadLetter(
        { hub, partition },
        { event, resultId, model: undefined, modelVersion: undefined },
        fault,
      );
      return { outcomes: [letter], slices: [] };
    }
    const middle = events.length >> 1;
    const scoreHalf = (half: typeof events) =>
      scoreSafely({ ...batch, events: half }, score, renderDeadLetter, log, signal);
    const [head, tail] = [await scoreHalf(events.slice(0, middle)), await scoreHalf(events.slice(middle))];
    return { outcomes: [...head.outcomes, ...tail.outcomes], slices: [...head.slices, ...tail.slices] };
  }
}

/** Every event has an ending, in the order of the events: what the marks promise rests on it. */
function checkComplete({ events }: EventBatch, outcomes: readonly Outcome[]): void {
  let at = -1;
  for (const { event } of outcomes) {
    if (event.sequenceNumber === events[at]?.sequenceNumber) continue;
    at++;
    if (event.sequenceNumber !== events[at]?.sequenceNumber) {
      throw new Error(`the pipeline's outcomes are out of step at sequence number ${event.sequenceNumber}`);
    }
  }
  if (at !== events.length - 1) throw new Error(`the pipeline gave endings for ${at + 1} of ${events.length} events`);
}
