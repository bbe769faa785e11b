import { latestEventPosition } from '@azure/event-hubs';
import type { Settings } from '../../config/settings.ts';
import { connectConsumer } from '../event-hubs.ts';

export interface Receiving {
  /** `in use`: it is there, and readers with an epoch or five others hold it. */
  readonly state: 'free' | 'in use' | 'refused';
  readonly error: unknown;
}

/** The service opens a link before it refuses it. */
const REFUSED_WITHIN_SECONDS = 0.5;
const HELD = new Set(['ReceiverDisconnectedError', 'QuotaExceededError']);

/** Opens a receiver at the end of partition 0, without an epoch and so without putting out anyone, and closes it again. Reads nothing. */
export async function tryReceiving(
  settings: Settings,
  hub: string,
  group: string,
  signal: AbortSignal,
): Promise<Receiving> {
  const consumer = await connectConsumer(settings, hub, group);
  let give: (receiving: Receiving) => void = () => {};
  const receiving = new Promise<Receiving>(resolve => {
    give = resolve;
  });
  const giveUp = () => give({ state: 'refused', error: signal.reason });
  signal.addEventListener('abort', giveUp, { once: true });
  const subscription = consumer.subscribe(
    '0',
    {
      // Called with no events too, once the link is open and the wait is over.
      processEvents: async () => give({ state: 'free', error: undefined }),
      processError: async error => {
        give({ state: HELD.has(String((error as { code?: unknown }).code)) ? 'in use' : 'refused', error });
      },
    },
    {
      startPosition: latestEventPosition,
      maxBatchSize: 1,
      maxWaitTimeInSeconds: REFUSED_WITHIN_SECONDS,
      skipParsingBodyAsJson: true,
    },
  );
  try {
    return await receiving;
  } finally {
    signal.removeEventListener('abort', giveUp);
    await subscription.close();
    await consumer.close();
  }
}
