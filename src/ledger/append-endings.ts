import { setTimeout as delay } from 'node:timers/promises';
import type { IPolicy } from 'cockatiel';
import type { EndingMessages } from '../core/ending-messages.ts';
import { InfrastructureError, RequestError } from '../core/errors.ts';
import { type PartitionSender, SendError } from '../core/hub-sender.ts';
import type { Log } from '../core/log.ts';
import type { Outcome, RenderDeadLetter } from '../core/outcome.ts';
import { ScoredBatch } from '../core/scored-batch.ts';
import { planEndings } from './plan-endings.ts';
import type { Standing } from './standing.ts';

export interface AppendOptions {
  readonly hub: string;
  readonly senders: { readonly results: PartitionSender; readonly deadLetters: PartitionSender };
  readonly renderDeadLetter: RenderDeadLetter;
  /** Bounded tries of SendError and InfrastructureError. */
  readonly retry: IPolicy;
  /** How long to let a transmission whose fate is unknown come to rest before the tails are read. */
  readonly uncertainDelayMs: number;
  /** Results go out as CloudEvents, in binary mode. */
  readonly asCloudEvents?: boolean;
  readonly log: Log;
}

/** Where the partition stands, and how to learn it anew after a send of unknown fate. */
export interface LedgerView {
  current(): Standing;
  /** Reads the tails again. */
  refresh(signal: AbortSignal): Promise<void>;
  /** Endings that were confirmed just now. */
  confirm(messages: EndingMessages): void;
}

/**
 * Appends what is missing of a batch's endings: dead letters first, then results, both in order, each batch of messages
 * confirmed before the next leaves.
 * @throws SendError or InfrastructureError after bounded tries.
 */
export async function appendEndings(
  scored: ScoredBatch,
  batch: { readonly partition: string; readonly lastSequenceNumber: number },
  ledger: LedgerView,
  { hub, senders, renderDeadLetter, retry, uncertainDelayMs, asCloudEvents, log }: AppendOptions,
  signal: AbortSignal,
): Promise<void> {
  let endings = scored;
  let uncertain = false;

  /** False where a message was too large and stands in the plan no more: what is missing must be planned anew. */
  const sendAll = async (sender: PartitionSender, messages: EndingMessages): Promise<boolean> => {
    if (messages.length === 0) return true;
    try {
      await sender.send(batch.partition, messages, signal);
      ledger.confirm(messages);
      return true;
    } catch (thrown) {
      if (!(thrown instanceof SendError)) throw thrown;
      ledger.confirm(messages.head(thrown.confirmed));
      uncertain = thrown.certainty === 'unknown';
      log.warn(
        `partition ${batch.partition}: ${thrown.confirmed} of ${messages.length} endings appended, then ${thrown.certainty}: ${thrown.message}`,
      );
      if (thrown.certainty !== 'too-large') throw thrown;
      const tooLarge = messages.ending(thrown.confirmed);
      const outcomes = endings.outcomes();
      outcomes[tooLarge] = smaller(outcomes[tooLarge] as Outcome, outcome =>
        renderDeadLetter(
          { hub, partition: batch.partition },
          outcome,
          new RequestError('result_too_large', 'send', thrown.message),
        ),
      );
      endings = ScoredBatch.of(
        { hub, partition: batch.partition, events: endings.events },
        outcomes,
        endings.slices,
        endings.passedOver,
      );
      return false;
    }
  };
  const sendMissing = async (): Promise<boolean> => {
    const plan = planEndings(endings, ledger.current(), batch, asCloudEvents);
    return (await sendAll(senders.deadLetters, plan.deadLetters)) && (await sendAll(senders.results, plan.results));
  };

  await retry.execute(async () => {
    if (uncertain) {
      await delay(uncertainDelayMs, undefined, { signal });
      await ledger.refresh(signal);
      uncertain = false;
    }
    while (!(await sendMissing()));
  }, signal);
}

/** A result that no batch can hold becomes a dead letter; a dead letter that none can hold leaves the request's body out. */
function smaller(outcome: Outcome, deadLetterFor: (outcome: Outcome) => Outcome): Outcome {
  return outcome.kind === 'result' ? deadLetterFor(outcome) : withoutBody(outcome);
}

function withoutBody(outcome: Outcome): Outcome {
  const { body, ...rest } = JSON.parse(outcome.body.toString('utf8')) as Record<string, unknown>;
  if (body === undefined)
    throw new InfrastructureError(`the dead letter of ${outcome.resultId} is too large even without its body`);
  return { ...outcome, body: Buffer.from(JSON.stringify({ ...rest, body_left_out: 'too large' }), 'utf8') };
}
