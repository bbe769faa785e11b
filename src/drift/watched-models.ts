import type { Decoder } from '../core/codec.ts';
import type { Profile } from './profile.ts';

/** A version whose requests are held against a profile. */
export interface ProfiledVersion {
  readonly model: string;
  readonly version: string;
  readonly profile: Profile;
  /** Tells one profile from another, 8 hex digits. */
  readonly id: string;
}

/** The models that are watched, as storage has them now. */
export interface WatchedModels {
  readonly versions: readonly ProfiledVersion[];
  /**
   * Those of a request's version that have a profile: what names none is held against production's and an open rollout's candidate's, since both arms are given the same kind
   * of requests.
   */
  find(model: string | undefined, asked: string | undefined): readonly ProfiledVersion[];
  /** Which version production is. */
  productionOf(model: string): string | undefined;
  readonly decoder: Decoder;
}
