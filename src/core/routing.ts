import type { ModelVersion } from './model.ts';

/** Which version answers a request, and why. */
export interface Route {
  readonly version: ModelVersion;
  /** Set where another version than the one asked for answers. */
  readonly requestedVersion: string | undefined;
  readonly fallback: boolean;
  /** The rollout's arm, where a rollout chose. */
  readonly variant: string | undefined;
}

/**
 * Chooses the version that answers a request by its routing key, its segments and the time it was enqueued at (milliseconds since the epoch).
 * Pure: the same for the same arguments, whoever asks and whenever. Every version it may choose is loaded.
 */
export type Choose = (key: string, segments: readonly string[], enqueuedAtMs: number) => Route;

/** How requests for one model and version are routed: all by one route, or each by what it says of itself, as a rollout does. */
export type Routing =
  | { readonly route: Route; readonly choose?: undefined }
  | { readonly route?: undefined; readonly choose: Choose };

/** The segments of a request that names none. */
export const NO_SEGMENTS: readonly string[] = [];
