import { setTimeout as delay } from 'node:timers/promises';
import type { IPolicy } from 'cockatiel';
import { InfrastructureError, RequestError } from '../core/errors.ts';
import { type MessageList, type PartitionSender, SendError } from '../core/hub-sender.ts';
import type { Log } from '../core/log.ts';
import type { Outcome, ScoredBatch } from '../core/outcome.ts';
import { planBlock, planEndings } from './plan-endings.ts';
import type { Standing } from './standing.ts';

/** Renders a request's ending as a dead letter, for what goes wrong outside the pipeline. */
export type RenderDeadLetter = (
  source: { readonly hub: string; readonly partition: string },
  subject: Pick<Outcome, 'event' | 'resultId' | 'model' | 'modelVersion'> &
    Partial<Pick<Outcome, 'requestId' | 'variant' | 'text'>>,
  error: RequestError,
) => Outcome;

export interface AppendOptions {
  readonly hub: string;
  readonly senders: { readonly results: PartitionSender; readonly deadLetters: PartitionSender };
  readonly renderDeadLetter: RenderDeadLetter;
  /** Bounded tries of SendError and InfrastructureError. */
  readonly retry: IPolicy;
  /** How long to let a transmission whose fate is unknown come to rest before the tails are read. */
  readonly uncertainDelayMs: number;
  readonly log: Log;
}

/** Where the partition stands, and how to learn it anew after a send of unknown fate. */
export interface LedgerView {
  current(): Standing;
  /** Reads the tails again. */
  refresh(signal: AbortSignal): Promise<void>;
  /** Endings that were confirmed just now. */
  confirm(messages: MessageList): void;
}

/**
 * Appends what is missing of a batch's endings: dead letters first, then results, both in order, each batch of messages
 * confirmed before the next leaves.
 * @throws SendError or InfrastructureError after bounded tries.
 */
export async function appendEndings(
  scored: Pick<ScoredBatch, 'outcomes' | 'block'>,
  batch: { readonly partition: string; readonly lastSequenceNumber: number },
  ledger: LedgerView,
  { hub, senders, renderDeadLetter, retry, uncertainDelayMs, log }: AppendOptions,
  signal: AbortSignal,
): Promise<void> {
  let { block } = scored;
  /** Made only where the block cannot go out whole. */
  let endings: readonly Outcome[] | undefined;
  let uncertain = false;

  /** False where a message was too large and stands in the plan no more: what is missing must be planned anew. */
  const sendAll = async (sender: PartitionSender, messages: MessageList): Promise<boolean> => {
    if (messages.length === 0) return true;
    try {
      await sender.send(batch.partition, messages, signal);
      ledger.confirm(messages);
      return true;
    } catch (thrown) {
      if (!(thrown instanceof SendError)) throw thrown;
      block = undefined;
      const list = [...messages];
      ledger.confirm(list.slice(0, thrown.confirmed));
      uncertain = thrown.certainty === 'unknown';
      log.warn(
        `partition ${batch.partition}: ${thrown.confirmed} of ${messages.length} endings appended, then ${thrown.certainty}: ${thrown.message}`,
      );
      if (thrown.certainty !== 'too-large') throw thrown;
      endings = replaceTooLarge(endings ?? scored.outcomes, list[thrown.confirmed]?.messageId, outcome =>
        renderDeadLetter(
          { hub, partition: batch.partition },
          outcome,
          new RequestError('result_too_large', 'send', thrown.message),
        ),
      );
      return false;
    }
  };
  const sendMissing = async (): Promise<boolean> => {
    const standing = ledger.current();
    const plan =
      (block && planBlock(block, standing, batch)) ?? planEndings(endings ?? scored.outcomes, standing, batch);
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
function replaceTooLarge(
  outcomes: readonly Outcome[],
  resultId: string | undefined,
  deadLetterFor: (outcome: Outcome) => Outcome,
): readonly Outcome[] {
  return outcomes.map(outcome => {
    if (outcome.resultId !== resultId) return outcome;
    return outcome.kind === 'result' ? deadLetterFor(outcome) : withoutBody(outcome);
  });
}

function withoutBody(outcome: Outcome): Outcome {
  const { body, ...rest } = JSON.parse(outcome.body.toString('utf8')) as Record<string, unknown>;
  if (body === undefined)
    throw new InfrastructureError(`the dead letter of ${outcome.resultId} is too large even without its body`);
  return { ...outcome, body: Buffer.from(JSON.stringify({ ...rest, body_left_out: 'too large' }), 'utf8') };
}
