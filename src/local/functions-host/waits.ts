/** How long the host waits where the real one waits longer than it has to here. */
export interface Waits {
  /** From a batch's first event until it is called with what has come, where it is not full before. */
  readonly fillMs: number;
  /** The next batch waits until the checkpoint of the last one is written; and one whose function ends while the host stops gets none, so it comes again. */
  readonly forCheckpoint: boolean;
  /** The host does not end sooner than this after it was told to. */
  readonly stopMs: number;
}

/** As quick as it can be. */
export const NO_WAITS: Waits = { fillMs: 0, forCheckpoint: false, stopMs: 0 };

/** `--like-azure`: as the real host was seen to wait (4.1037 with the extension's listener on Azure.Messaging.EventHubs 5.12). */
export const AZURE_WAITS: Waits = { fillMs: 20, forCheckpoint: true, stopMs: 5_000 };
