import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { TableScorer } from '../core/table-scorer.ts';
import { tableCounting } from '../drift/count-table.ts';
import { PROFILE_FILE, type Profile, parseProfile } from '../drift/profile.ts';
import type { ModelFiles } from '../models/open-files.ts';

/** Of a model's files on this machine: the one beside them. @throws Error where it cannot be read */
export function profileBeside({ file }: Pick<ModelFiles, 'file'>): Profile | undefined {
  const path = join(dirname(file), PROFILE_FILE);
  return existsSync(path) ? parseProfile(readFileSync(path, 'utf8'), path) : undefined;
}

/** The same scorer, which counts what it is asked in the profile's bins. */
export function countingBy(profile: Profile | undefined, scorer: TableScorer): TableScorer {
  return profile === undefined ? scorer : { ...scorer, inputs: tableCounting(profile) };
}
