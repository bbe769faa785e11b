import { createBlobs } from '../azure/blobs.ts';
import { modelStorageConnection } from '../config/connection.ts';
import type { Settings } from '../config/settings.ts';
import { BlobGone } from '../core/blobs.ts';
import { asError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import { MAX_PROFILE_BYTES, PROFILE_FILE, type Profile, parseProfile } from '../drift/profile.ts';
import { besidePath } from '../models/store.ts';

/** By model and version label, its profile; undefined where it has none, or one that cannot be read. */
export type FindProfile = (model: string, label: string) => Promise<Profile | undefined>;

const MOST_KEPT = 20;
const WITHIN_MS = 30_000;

/** Profiles in storage. They are immutable: what was read once is kept. */
export function createProfiles(settings: Settings, log: Log): FindProfile {
  const blobs = createBlobs(modelStorageConnection(settings), settings.MODELS_CONTAINER);
  const kept = new Map<string, Profile>();
  return async (name, label) => {
    const version = label.split('+', 1)[0] as string;
    const path = besidePath({ name, version }, PROFILE_FILE);
    const known = kept.get(path);
    if (known) return known;
    try {
      const { text } = await blobs.readText(path, AbortSignal.timeout(WITHIN_MS), MAX_PROFILE_BYTES);
      const profile = parseProfile(text, path);
      if (kept.size >= MOST_KEPT) kept.clear();
      kept.set(path, profile);
      return profile;
    } catch (thrown) {
      if (!(thrown instanceof BlobGone)) log.warn(`a profile or card is not read: ${asError(thrown).message}`);
      return undefined; // it may come later
    }
  };
}
