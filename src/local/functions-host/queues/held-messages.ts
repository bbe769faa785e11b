/** A message that a worker holds: what it takes to let it go. */
export interface HeldMessage {
  readonly queue: string;
  /** Name of the connection's setting. */
  readonly connection: string;
  readonly id: string;
  readonly popReceipt: string;
}

/** The environment variable by which a worker learns what the one before it held. */
export const ORPHANS = 'FUNCTIONS_HOST_ORPHANS';

/** What a worker tells its supervisor of its messages, so that the next one can let go what this one died with. */
export type HeldNote = { readonly held: HeldMessage } | { readonly settled: string };

/** Held by whoever outlives the worker. */
export interface HeldMessages {
  /** Also where its pop receipt changed. */
  hold(message: HeldMessage): void;
  settle(id: string): void;
}

/** The supervisor's side: what the worker that died had in hand. */
export function createHeldList() {
  const messages = new Map<string, HeldMessage>();
  return {
    note(note: HeldNote): void {
      if ('held' in note) messages.set(note.held.id, note.held);
      else messages.delete(note.settled);
    },
    /** Empties the list. */
    take(): readonly HeldMessage[] {
      const all = [...messages.values()];
      messages.clear();
      return all;
    },
  };
}
