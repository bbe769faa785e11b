import type { DequeuedMessageItem, QueueClient } from '@azure/storage-queue';
import type { QueuesOptions } from '../host-json.ts';
import type { Invoke } from '../invoke.ts';
import { type HostLog, messageOf } from '../log.ts';
import { decodeMessage, type QueueBinding, toCall } from './binding.ts';
import type { HeldMessages } from './held-messages.ts';

export interface QueueTriggerOptions {
  readonly functionName: string;
  readonly binding: QueueBinding;
  readonly queue: QueueClient;
  /** `<queue>-poison`, made when it is first needed. */
  readonly poison: QueueClient;
  readonly hostOptions: QueuesOptions;
  /** For how long a message is hidden; it is renewed after half of that. */
  readonly hiddenMs: number;
  /** Who knows what this worker holds, should it crash. */
  readonly held: HeldMessages;
  readonly invoke: Invoke;
  readonly log: HostLog;
}

const POISON_TTL_SECONDS = 7 * 24 * 3600;

/** Calls the function with one message, hidden meanwhile, and then deletes it, shows it again, or moves it to the poison queue. Never throws. */
export async function handleMessage(options: QueueTriggerOptions, message: DequeuedMessageItem): Promise<void> {
  const { functionName, binding, queue, hostOptions, invoke, log, hiddenMs, held } = options;
  const hold = (popReceipt: string) =>
    held.hold({ queue: queue.name, connection: binding.connection, id: message.messageId, popReceipt });
  let { popReceipt } = message;
  hold(popReceipt);
  const say = (text: string) => log('warning', `Function.${functionName}`, `message ${message.messageId}: ${text}`);
  let renewing: Promise<void> = Promise.resolve();
  const renew = async () => {
    try {
      const renewed = await queue.updateMessage(message.messageId, popReceipt, undefined, Math.round(hiddenMs / 1000));
      popReceipt = renewed.popReceipt ?? popReceipt;
      hold(popReceipt);
    } catch (error) {
      say(`its time could not be renewed: ${messageOf(error)}`);
    }
  };
  const timer = setInterval(() => {
    renewing = renew();
  }, hiddenMs / 2);
  try {
    const outcome = await attempt();
    clearInterval(timer);
    await renewing; // the receipt that it gives is the one that counts
    if (outcome === 'done') await queue.deleteMessage(message.messageId, popReceipt);
    else if (outcome === 'unreadable' || message.dequeueCount >= hostOptions.maxDequeueCount) await poison();
    else await queue.updateMessage(message.messageId, popReceipt, undefined, hostOptions.visibilityTimeout / 1000);
  } catch (error) {
    say(`it comes again: ${messageOf(error)}`);
  } finally {
    clearInterval(timer);
    held.settle(message.messageId);
  }

  async function attempt(): Promise<'done' | 'failed' | 'unreadable'> {
    // It was given back by a crash, not by its function, which would have moved it.
    if (message.dequeueCount > hostOptions.maxDequeueCount) return 'failed';
    const body = decodeMessage(message.messageText, hostOptions.messageEncoding);
    if (!body) return 'unreadable';
    try {
      await invoke(toCall(binding, body, message));
      return 'done';
    } catch {
      return 'failed'; // logged by whoever invoked
    }
  }

  async function poison(): Promise<void> {
    await sendCreating(options.poison, message.messageText);
    await queue.deleteMessage(message.messageId, popReceipt);
    say(`moved to ${options.poison.name}, having come ${message.dequeueCount} times`);
  }
}

async function sendCreating(queue: QueueClient, text: string): Promise<void> {
  const options = { messageTimeToLive: POISON_TTL_SECONDS };
  try {
    await queue.sendMessage(text, options);
  } catch (error) {
    if ((error as { statusCode?: number }).statusCode !== 404) throw error;
    await queue.createIfNotExists();
    await queue.sendMessage(text, options);
  }
}
