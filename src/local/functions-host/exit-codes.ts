/** How a worker tells its supervisor why it ended; anything else is a crash. */
export const EXIT = {
  drained: 0,
  /** It cannot work as it is set up: another one could not either. */
  failed: 1,
  /** A function timed out: another worker is to go on. */
  restart: 75,
  /** The app left something unhandled, which ends the real worker, too. */
  crashed: 70,
} as const;
