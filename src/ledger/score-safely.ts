import { asError, InfrastructureError, RequestError } from '../core/errors.ts';
import type { EventBatch } from '../core/event.ts';
import type { FaultLog } from '../core/fault-log.ts';
import type { RenderDeadLetter } from '../core/outcome.ts';
import { ScoredBatch } from '../core/scored-batch.ts';

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
  faults: FaultLog,
  signal: AbortSignal,
): Promise<ScoredBatch> {
  try {
    const scored = await score(batch, signal);
    checkComplete(batch, scored);
    return scored;
  } catch (thrown) {
    signal.throwIfAborted();
    if (thrown instanceof InfrastructureError) throw thrown;
    const { events, hub, partition } = batch;
    const [event] = events;
    if (!event) return ScoredBatch.of(batch, []);
    if (events.length === 1) {
      const resultId = `${hub}/${partition}/${event.sequenceNumber}`;
      const error = asError(thrown);
      faults.tell(`scoring ${resultId}`, error);
      const fault = new RequestError('unexpected', 'infer', error.message, { cause: error });
      const letter = renderDeadLetter(
        { hub, partition },
        { event, resultId, model: undefined, modelVersion: undefined },
        fault,
      );
      return ScoredBatch.of(batch, [letter]);
    }
    const middle = events.length >> 1;
    const scoreHalf = (half: typeof events) =>
      scoreSafely({ ...batch, events: half }, score, renderDeadLetter, faults, signal);
    const [head, tail] = [await scoreHalf(events.slice(0, middle)), await scoreHalf(events.slice(middle))];
    const passedOver = new Map(head.passedOver);
    for (const [place, count] of tail.passedOver) passedOver.set(place + middle, count);
    const outcomes = [...head.outcomes(), ...tail.outcomes()];
    return ScoredBatch.of(batch, outcomes, [...head.slices, ...tail.slices], passedOver);
  }
}

/** Every event has an ending or was passed over, in the order of the events: what the marks promise rests on it. */
function checkComplete({ events }: EventBatch, { events: scored, eventOf, length, passedOver }: ScoredBatch): void {
  if (scored !== events) throw new Error('scoring gave endings for other events');
  let ended = 0;
  if (eventOf === undefined) ended = length;
  else {
    for (let i = 0; i < length; i++) {
      const event = eventOf[i] as number;
      while (ended < event && passedOver.has(ended)) ended++;
      if (event === ended) ended++;
      else if (event !== ended - 1) throw new Error(`the endings are out of step at ${i}`);
    }
    while (passedOver.has(ended)) ended++;
  }
  if (ended !== events.length) throw new Error(`scoring gave endings for ${ended} of ${events.length} events`);
}
