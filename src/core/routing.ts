import type { ModelVersion } from './model.ts';

/** Which version answers a request, and why. */
export interface Route {
  readonly version: ModelVersion;
  /** Set where another version than the one asked for answers. */
  readonly requestedVersion: string | undefined;
  readonly fallback: boolean;
  /** The rollout's arm, where a rollout chose. */
  readonly variant: string | undefined;
  /** Which rollout, where one chose. */
  readonly rollout?: RolloutMark | undefined;
}

/** What chose the arm of a request, so that others can see that it chose right. */
export interface RolloutMark {
  readonly id: string;
  /** Of the deployment.json that was in force for it. */
  readonly revision: number;
}

/** A request's route, and the bucket that its key falls into; -1 where none was asked for. */
export interface Chosen {
  readonly route: Route;
  readonly bucket: number;
}

/**
 * Chooses the version that answers a request by its routing key, its segments and the time it was enqueued at (milliseconds since the epoch).
 * Pure: the same for the same arguments, whoever asks and whenever. Every version it may choose is loaded.
 */
export type Choose = (key: string, segments: readonly string[], enqueuedAtMs: number) => Chosen;

/** How requests for one model and version are routed: all by one route, or each by what it says of itself, as a rollout does. */
export type Routing =
  | { readonly route: Route; readonly choose?: undefined; readonly production?: undefined }
  | {
      readonly route?: undefined;
      readonly choose: Choose;
      /** Where a request goes that takes no part in the rollout, for those who ask what a model is and have no request. */
      readonly production: Route;
    };

/** The segments of a request that names none. */
export const NO_SEGMENTS: readonly string[] = [];
