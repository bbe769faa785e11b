import { ConfigurationError } from '../core/errors.ts';
import { type Settings, settingsSchema } from './settings.ts';

export type { Settings } from './settings.ts';

/**
 * Parses the settings; nothing else in the app reads the environment.
 * @throws ConfigurationError that names every wrong setting, what it takes and what came.
 */
export function readSettings(environment: Readonly<Record<string, string | undefined>>): Settings {
  const parsed = settingsSchema.safeParse(environment);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map(issue => {
    const name = issue.path.join('.');
    const description = settingsSchema.shape[name as keyof typeof settingsSchema.shape]?.description ?? '';
    return `${name}=${JSON.stringify(environment[name])}: ${issue.message}. ${description}`.trim();
  });
  throw new ConfigurationError(`settings are wrong:\n  ${faults.join('\n  ')}`);
}
