import { asError, RequestError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';

/** Why a model is broken was said when its load failed. */
export function sayUnlessSaid(log: Log): (thrown: unknown) => void {
  return thrown => {
    if (!(thrown instanceof RequestError)) log.warn(`looking for a newer version: ${asError(thrown).message}`);
  };
}
