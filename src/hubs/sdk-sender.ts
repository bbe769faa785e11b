import type { EventDataBatch, EventHubProducerClient } from '@azure/event-hubs';
import type { OutgoingMessage } from '../core/ending-messages.ts';
import { type Certainty, type PartitionSender, SendError } from '../core/hub-sender.ts';
import { retryAfterMs } from './retry-after.ts';

/** Errors by which the service or the library says that it took nothing. */
const REFUSALS = new Set([
  'ServerBusyError',
  'SenderBusyError',
  'SenderNotReadyError',
  'InsufficientCreditError',
  'UnauthorizedError',
  'MessagingEntityNotFoundError',
  'ServiceCommunicationError',
  'MessagingEntityDisabledError',
  'ArgumentOutOfRangeError',
  'QuotaExceededError',
]);

/**
 * The plain sender: the SDK's own batches. It is the judge of the fast one (amqp-sender.ts) and its stand-in.
 * The client must be made with `retryOptions: { maxRetries: 0 }`: a retry after an unconfirmed transmission could append twice.
 */
export function createSdkSender(client: EventHubProducerClient): PartitionSender {
  return {
    async send(partition, list, signal) {
      const messages = [...list];
      let confirmed = 0;
      while (confirmed < messages.length) {
        const batch = await client
          .createBatch({ partitionId: partition, abortSignal: signal })
          .catch(cause => Promise.reject(failure('absent', confirmed, cause)));
        fill(batch, messages, confirmed);
        if (batch.count === 0)
          throw new SendError(`message ${messages[confirmed]?.messageId} is too large`, 'too-large', confirmed);
        await client
          .sendBatch(batch, { abortSignal: signal })
          .catch(cause => Promise.reject(failure(certaintyOf(cause), confirmed, cause)));
        confirmed += batch.count;
      }
    },
    close: () => client.close(),
  };
}

function fill(batch: EventDataBatch, messages: readonly OutgoingMessage[], from: number): void {
  for (let i = from; i < messages.length; i++) {
    const { messageId, correlationId, shared, own, body } = messages[i] as OutgoingMessage;
    const properties = { ...shared, ...own };
    const message = { messageId, body, contentType: 'application/json', properties };
    if (!batch.tryAdd(correlationId === undefined ? message : { ...message, correlationId })) return;
  }
}

function certaintyOf(cause: unknown): Certainty {
  const code = String((cause as { code?: unknown }).code);
  if (code === 'MessageTooLargeError') return 'too-large';
  return REFUSALS.has(code) ? 'absent' : 'unknown';
}

function failure(certainty: Certainty, confirmed: number, cause: unknown): SendError {
  const { message, condition } = cause as Error & { readonly condition?: string };
  return new SendError(`sending failed: ${message}`, certainty, confirmed, {
    cause,
    retryAfterMs: retryAfterMs(condition, message),
  });
}
