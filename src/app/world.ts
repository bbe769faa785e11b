import type { Clock, Log } from '../core/log.ts';

/** What every part is given beside the settings. */
export interface World {
  readonly clock: Clock;
  readonly log: Log;
}
