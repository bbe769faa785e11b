import { setTimeout as delay } from 'node:timers/promises';
import type { DequeuedMessageItem } from '@azure/storage-queue';
import { messageOf } from '../log.ts';
import { handleMessage, type QueueTriggerOptions } from './handle-message.ts';

export interface RunningQueue {
  /** Takes no more, and waits for running functions. */
  stop(): Promise<void>;
}

const LEAST_PAUSE_MS = 100;

/** Pauses between looks into a queue that is empty: 100 ms + 100·2ⁿ ms, up to `maxPollingInterval` (RandomizedExponentialBackoffStrategy.cs, without its randomness). */
export function pauseMs(emptyLooks: number, maxMs: number): number {
  return Math.min(LEAST_PAUSE_MS + LEAST_PAUSE_MS * 2 ** Math.min(emptyLooks, 30), maxMs);
}

/** Calls a function with a queue's messages. Never throws for what the function does; a queue that is not there is looked for again. */
export function startQueueTrigger(options: QueueTriggerOptions): RunningQueue {
  const { functionName, queue, hostOptions, hiddenMs, log } = options;
  const stopping = new AbortController();
  const running = new Set<Promise<void>>();
  let away = false;
  let wake = () => {};

  async function take(): Promise<readonly DequeuedMessageItem[]> {
    try {
      const { receivedMessageItems } = await queue.receiveMessages({
        numberOfMessages: hostOptions.batchSize,
        visibilityTimeout: Math.round(hiddenMs / 1000),
      });
      away = false;
      return receivedMessageItems;
    } catch (error) {
      // One that is not there is neither made nor told of.
      const absent = (error as { statusCode?: number }).statusCode === 404;
      if (!absent && !away) {
        log('warning', `Function.${functionName}`, `queue ${queue.name} cannot be read: ${messageOf(error)}`);
        away = true;
      }
      return [];
    }
  }

  async function start(message: DequeuedMessageItem): Promise<void> {
    // Taken in the moment of the stop: given back, or it would stay hidden.
    if (stopping.signal.aborted) return giveBack(message);
    await handleMessage(options, message);
  }

  async function giveBack({ messageId, popReceipt }: DequeuedMessageItem): Promise<void> {
    await queue.updateMessage(messageId, popReceipt, undefined, 0).catch(() => undefined);
  }

  async function poll(): Promise<void> {
    let emptyLooks = 0;
    while (!stopping.signal.aborted) {
      if (running.size > hostOptions.newBatchThreshold) {
        await new Promise<void>(free => {
          wake = free;
        });
        continue;
      }
      const messages = await take();
      for (const message of messages) {
        const work = start(message).finally(() => {
          running.delete(work);
          wake();
        });
        running.add(work);
      }
      emptyLooks = messages.length > 0 ? 0 : emptyLooks + 1;
      if (emptyLooks === 0) continue;
      const ms = pauseMs(emptyLooks - 1, hostOptions.maxPollingInterval);
      await delay(ms, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  }

  const polling = poll();
  return {
    async stop() {
      stopping.abort();
      wake();
      await polling;
      await Promise.all(running);
    },
  };
}
