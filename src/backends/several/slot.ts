import { asError } from '../../core/errors.ts';

/** A place for something that may not be there yet: what could not be opened is opened later, while the others go on. */
export interface Slot<T> {
  /** What is there now. Asking has it looked for where it is missing and due. */
  get(): T | undefined;
  /** Why it is not there. */
  readonly reason: string | undefined;
  /** Nothing is opened any more. @returns what was, at last. */
  close(): Promise<T | undefined>;
}

export interface SlotOptions<T> {
  /** What is there from the start, or why nothing is. */
  readonly first: { readonly there: T } | { readonly thrown: unknown };
  open(): Promise<T>;
  /** Told why it is not there, whenever that is another reason than before. */
  onMissing(message: string): void;
  readonly retryMs?: number | undefined;
}

/** A server that is away may be back any moment. */
const RETRY_MS = 10_000;

export function createSlot<T>({ first, open, onMissing, retryMs = RETRY_MS }: SlotOptions<T>): Slot<T> {
  let there = 'there' in first ? first.there : undefined;
  let reason: string | undefined;
  let dueMs = 0;
  let opening: Promise<void> | undefined;
  let closed = false;

  function isMissing(thrown: unknown): void {
    const { message } = asError(thrown);
    if (message !== reason) onMissing(message);
    reason = message;
    dueMs = performance.now() + retryMs;
  }

  async function look(): Promise<void> {
    try {
      there = await open();
      reason = undefined;
    } catch (thrown) {
      isMissing(thrown);
    } finally {
      opening = undefined;
    }
  }

  if ('thrown' in first) isMissing(first.thrown);
  return {
    get() {
      if (there === undefined && !closed && performance.now() >= dueMs) opening ??= look();
      return there;
    },
    get reason() {
      return reason;
    },
    async close() {
      closed = true;
      await opening;
      return there;
    },
  };
}
