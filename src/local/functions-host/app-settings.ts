import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { parseJsonWithComments } from '../json-with-comments.ts';
import { SetupError } from './errors.ts';

export type AppSettings = Readonly<Record<string, string | undefined>>;

const localSettingsSchema = z.object({
  IsEncrypted: z.boolean().default(false),
  Values: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]).transform(String)).default({}),
});

/** The app settings: local.settings.json's `Values`, and the environment over them. @throws SetupError where the file is not as it should be. */
export function readAppSettings(folder: string, environment: AppSettings): AppSettings {
  const path = join(folder, 'local.settings.json');
  const parsed = localSettingsSchema.safeParse(readJsonFile(path) ?? {});
  if (!parsed.success) throw new SetupError(`${path}: ${z.prettifyError(parsed.error)}`);
  if (parsed.data.IsEncrypted) {
    throw new SetupError(`${path} is encrypted: only Core Tools can read it; run "func settings decrypt"`);
  }
  return { ...parsed.data.Values, ...environment };
}

/** A JSON file that may have comments and trailing commas in it; undefined where there is none. @throws SetupError where it is not JSON. */
export function readJsonFile(path: string): unknown {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    return parseJsonWithComments(text);
  } catch (error) {
    throw new SetupError(`${path} is not JSON: ${(error as Error).message}`);
  }
}

/**
 * A binding's text with its `%SETTING%` expressions replaced.
 * @throws SetupError that names a setting which is not there.
 */
export function resolveExpressions(text: string, settings: AppSettings, where: string): string {
  return text.replace(/%([^%]*)%/g, (expression, name: string) => {
    const value = settings[name];
    if (value === undefined) {
      throw new SetupError(
        `${where} is "${text}", but there is no setting ${name}: set the environment variable, or add it to Values in local.settings.json (${expression} is replaced by it)`,
      );
    }
    return value;
  });
}
