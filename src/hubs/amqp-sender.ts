import { InsufficientCreditError, SenderEvents } from 'rhea-promise';
import { asError } from '../core/errors.ts';
import { type Certainty, MAX_BATCH_BYTES, type PartitionSender, SendError } from '../core/hub-sender.ts';
import { abortable, LATE, withDeadline, within } from '../core/waiting.ts';
import type { AmqpConnection } from './amqp-connection.ts';
import { BATCH_MESSAGE_FORMAT, BatchEncoder } from './encode-message.ts';
import { retryAfterMs } from './retry-after.ts';
import type { SenderLink } from './sender-link.ts';
import { writeEndings } from './write-endings.ts';

interface Lane {
  readonly link: SenderLink;
  readonly encoder: BatchEncoder;
}

/** Outcomes by which the service says that it did not take the message. */
const NOT_TAKEN = new Set(['rejected', 'released', 'modified']);
/** A send is given up after so many times its time-out, with all that comes before it: connecting, signing in, attaching, credit. */
const GIVE_UP = 1.5;
const TOO_LARGE = 'amqp:link:message-size-exceeded';

/**
 * Sends over AMQP with batches it encodes itself, by the public interfaces of rhea-promise and @azure/core-amqp: a quarter
 * of the CPU that the SDK takes (encode-message.ts), and certainty about what was transmitted.
 */
export function createAmqpSender(
  connection: AmqpConnection,
  options: { readonly hub: string; readonly sendTimeoutMs: number },
): PartitionSender {
  const { hub, sendTimeoutMs } = options;
  const lanes = new Map<string, Lane>();

  async function laneTo(partition: string, signal: AbortSignal): Promise<Lane> {
    const known = lanes.get(partition);
    if (known?.link.open) return known;
    lanes.delete(partition);
    void known?.link.close();
    const link = await connection.openSender(`${hub}/Partitions/${partition}`, signal);
    const limit = Math.min(link.sender.maxMessageSize || MAX_BATCH_BYTES, MAX_BATCH_BYTES);
    const lane = { link, encoder: new BatchEncoder(limit) };
    lanes.set(partition, lane);
    return lane;
  }

  /** Each step has a bound, and all of them together: where every step of a connection hangs, they would add up to minutes. */
  async function openLane(partition: string, ms: number, signal: AbortSignal): Promise<Lane> {
    const known = lanes.get(partition);
    if (known?.link.open) return known;
    return withDeadline(ms, signal, own => abortable(laneTo(partition, own), own));
  }

  async function transmit({ link, encoder }: Lane, ms: number, signal: AbortSignal): Promise<void> {
    const sending = link.sender.send(encoder.bytes(), {
      format: BATCH_MESSAGE_FORMAT,
      timeoutInSeconds: ms / 1000,
      abortSignal: signal,
    });
    await abortable(sending, link.lost);
  }

  return {
    async send(partition, messages, signal) {
      let confirmed = 0;
      while (confirmed < messages.length) {
        const untilMs = performance.now() + GIVE_UP * sendTimeoutMs;
        const restMs = () => Math.max(1, Math.min(sendTimeoutMs, untilMs - performance.now()));
        let lane: Lane;
        try {
          lane = await openLane(partition, sendTimeoutMs, signal);
          await credit(lane.link, restMs(), signal);
        } catch (thrown) {
          throw failure('absent', confirmed, hub, partition, thrown);
        }
        lane.encoder.reset();
        const count = writeEndings(lane.encoder, messages, confirmed);
        if (count === 0) {
          throw new SendError(
            `${messages.messageId(confirmed)} is larger than the ${lane.encoder.limitBytes} bytes a hub takes`,
            'too-large',
            confirmed,
          );
        }
        try {
          await transmit(lane, restMs(), signal);
        } catch (thrown) {
          lanes.delete(partition); // with its encoder: the bytes may still be on their way
          const certainty = certaintyOf(thrown);
          // Whatever of it has not left yet must never leave: the ledger is about to look whether it arrived.
          if (certainty === 'unknown')
            lane.link.cut(`a send to ${hub}/${partition} was not confirmed: ${asError(thrown).message}`);
          else void lane.link.close();
          throw failure(certainty, confirmed, hub, partition, thrown);
        }
        confirmed += count;
      }
    },
    async close() {
      await Promise.all([...lanes.values()].map(lane => lane.link.close()));
      lanes.clear();
    },
  };
}

/** Waits until the service takes a message; a bounded wait, and nothing is transmitted meanwhile. */
async function credit({ sender, lost }: SenderLink, timeoutMs: number, signal: AbortSignal): Promise<void> {
  if (sender.sendable()) return;
  let onSendable = () => {};
  const sendable = new Promise<void>(resolve => {
    onSendable = resolve;
    sender.once(SenderEvents.sendable, onSendable);
  });
  try {
    if ((await within(abortable(abortable(sendable, signal), lost), timeoutMs)) === LATE)
      throw new Error(`the service gave no credit for ${Math.round(timeoutMs) / 1000} s`);
  } finally {
    sender.removeListener(SenderEvents.sendable, onSendable);
    onSendable(); // the waits that still go on end, and leave their signals
  }
}

function certaintyOf(thrown: unknown): Certainty {
  const { code, innerError, condition } = thrown as {
    code?: unknown;
    innerError?: { condition?: string };
    condition?: string;
  };
  // The service rejects the message, or closes the link over it.
  if ((innerError?.condition ?? condition) === TOO_LARGE) return 'too-large';
  if (thrown instanceof InsufficientCreditError || NOT_TAKEN.has(String(code))) return 'absent';
  return 'unknown';
}

function failure(certainty: Certainty, confirmed: number, hub: string, partition: string, thrown: unknown): SendError {
  const { innerError, condition } = thrown as {
    innerError?: { condition?: string; description?: string };
    condition?: string;
  };
  const message = innerError?.description ?? asError(thrown).message;
  return new SendError(`sending to ${hub}/${partition}: ${message}`, certainty, confirmed, {
    cause: thrown,
    retryAfterMs: retryAfterMs(innerError?.condition ?? condition, message),
  });
}
