import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Settings } from '../config/settings.ts';
import { BlobConflict } from '../core/blobs.ts';
import { asError, InfrastructureError } from '../core/errors.ts';
import { makeProfile } from '../drift/make-profile.ts';
import { MAX_PROFILE_BYTES, PROFILE_FILE, type Profile, parseProfile, storeProfile } from '../drift/profile.ts';
import { NO_CARD, parseCard } from '../models/card.ts';
import { hashFile } from '../models/files.ts';
import { type ModelFiles, openModelFiles } from '../models/open-files.ts';
import { besidePath, type ModelStore } from '../models/store.ts';
import { answerRows } from './answer-rows.ts';
import { withLoaders } from './model-room.ts';
import { Refusal } from './terminal.ts';
import { readTrainingRows } from './train-csv.ts';

export interface ProfileToPush {
  readonly text: string;
  readonly profile: Profile;
  /** What it was made of, in words. */
  readonly source: string;
}

/**
 * The profile that a version gets: made of training data, else the one beside its file.
 * @param csv path of the training data @throws Refusal where it does not fit the model; InfrastructureError
 */
export async function profileToPush(
  settings: Settings,
  files: ModelFiles,
  csv: string | undefined,
  signal: AbortSignal,
): Promise<ProfileToPush | undefined> {
  if (csv !== undefined) return makeFrom(settings, files, csv, signal);
  const path = join(dirname(files.file), PROFILE_FILE);
  if (!existsSync(path)) return undefined;
  try {
    const text = readFileSync(path, 'utf8');
    return { text, profile: parseProfile(text, path), source: basename(path) };
  } catch (thrown) {
    throw new Refusal(asError(thrown).message, 'It was not pushed.', { cause: thrown });
  }
}

function makeFrom(settings: Settings, files: ModelFiles, csv: string, signal: AbortSignal): Promise<ProfileToPush> {
  return withLoaders(settings, async loaders => {
    const raw = files.card === undefined ? NO_CARD : parseCard(readFileSync(files.card), files.card);
    const opened = await openModelFiles(files, raw, loaders).catch(thrown => {
      if (thrown instanceof InfrastructureError) throw thrown;
      throw new Refusal(asError(thrown).message, 'It was not pushed.', { cause: thrown });
    });
    try {
      const { version } = opened;
      const { features } = version.card;
      const { rows, seen, byPlace } = await readTrainingRows(csv, features);
      const answers = await answerRows(version, rows, signal);
      const file = basename(csv);
      const reference = { kind: 'training', file, sha256: await hashFile(csv) } as const;
      const profile = makeProfile({ features, rows, reference, answers });
      const picked = rows.length < seen ? `, ${rows.length} of them picked evenly` : '';
      const places = byPlace ? '; columns by their place, since none bears the name of a feature' : '';
      return { text: storeProfile(profile), profile, source: `${seen} rows of ${file}${picked}${places}` };
    } finally {
      await opened.close();
    }
  });
}

/** Puts a profile beside where the model is, or is going to be; the same again is no error. @throws Error where another is there */
export async function pushProfile(
  store: ModelStore,
  files: Pick<ModelFiles, 'name' | 'version'>,
  text: string,
  signal: AbortSignal,
): Promise<void> {
  const path = besidePath(files, PROFILE_FILE);
  try {
    await store.writeText(path, text, 'absent', signal);
  } catch (thrown) {
    if (!(thrown instanceof BlobConflict)) throw thrown;
    if ((await store.readText(path, signal, MAX_PROFILE_BYTES)).text === text) return;
    throw new Refusal(
      `${path} is there already, with other content`,
      'Profiles are immutable as versions are: take a new version.',
      {
        cause: thrown,
      },
    );
  }
}
