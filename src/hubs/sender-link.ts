import { randomUUID } from 'node:crypto';
import { type AwaitableSender, type Connection, SenderEvents, SessionEvents } from 'rhea-promise';
import { abortable, onceAborted, within } from '../core/waiting.ts';

/** A sender link to one address, open and authorized. */
export interface SenderLink {
  readonly sender: Pick<AwaitableSender, 'maxMessageSize' | 'sendable' | 'send' | 'once' | 'removeListener'>;
  /** Aborted once the link or its connection is gone; the reason says why. */
  readonly lost: AbortSignal;
  readonly open: boolean;
  /**
   * Cuts the whole connection at once, without a goodbye: what has not left this process never will. Every link of it is lost;
   * the next `openSender` connects anew.
   */
  cut(reason: string): void;
  close(): Promise<void>;
}

/** Closing, at most. */
const CLOSE_TIMEOUT_MS = 15_000;

/** Opens a sender in a session of its own. @throws Error in the service's words where it refuses. */
export async function attachSender(connection: Connection, path: string): Promise<AwaitableSender> {
  const session = await connection.createSession();
  try {
    return await session.createAwaitableSender({ name: `${path}-${randomUUID()}`, target: { address: path } });
  } catch (thrown) {
    session.close().catch(() => {}); // left open it would stay: a connection has 5,000
    throw describe(thrown, 'the service refused the link');
  }
}

/** @param connection what the link is lost with */
export function watchLink(
  sender: AwaitableSender,
  connection: { readonly lost: AbortSignal; cut(error: Error): void },
  stopRenewing: () => void,
): SenderLink {
  const lost = new AbortController();
  const lose = (error: Error): void => lost.abort(error);
  const leave = onceAborted(connection.lost, () => lose(connection.lost.reason));
  onceAborted(lost.signal, () => {
    leave();
    stopRenewing();
  });
  for (const event of [SenderEvents.senderError, SenderEvents.senderClose]) {
    sender.on(event, context => lose(describe(context?.sender?.error, 'the service closed the link')));
  }
  sender.session.on(SessionEvents.sessionClose, context =>
    lose(describe(context?.session?.error, 'the service ended the session')),
  );
  return {
    sender,
    lost: lost.signal,
    get open() {
      return !lost.signal.aborted && sender.isOpen();
    },
    cut: reason => connection.cut(new Error(reason)),
    async close() {
      stopRenewing();
      if (!connection.lost.aborted)
        await within(abortable(closeWithSession(sender), connection.lost), CLOSE_TIMEOUT_MS).catch(() => {});
      lose(new Error('the link was closed'));
    },
  };
}

/** Also where the service has closed the link already, or does so meanwhile: its session would stay. */
async function closeWithSession(sender: AwaitableSender): Promise<void> {
  await sender.close().catch(() => {});
  await sender.session.close();
}

/** rhea's errors are plain objects at times. */
export function describe(cause: unknown, otherwise: string): Error {
  if (cause instanceof Error) return cause;
  const { condition, description } = (cause ?? {}) as { condition?: string; description?: string };
  return condition
    ? Object.assign(new Error(`${description ?? otherwise} (${condition})`), { condition })
    : new Error(otherwise);
}
