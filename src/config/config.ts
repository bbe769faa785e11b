import { ConfigurationError } from '../core/errors.ts';
import { type Settings, settingsSchema } from './settings.ts';

export type { Settings } from './settings.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Parses the settings; nothing else in the app reads the environment.
 * @throws ConfigurationError that names every wrong setting and what it takes; never what came, which may be a secret.
 */
export function readSettings(environment: Environment): Settings {
  const parsed = settingsSchema.safeParse(environment);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map(({ path, message }) => `${String(path[0])} ${message}`);
  throw new ConfigurationError(`settings are wrong: ${[...new Set(faults)].join('; ')}`);
}

/** The settings with the default of each that is wrong: for what must be registered with the host whatever they say. */
export function settingsOrDefaults(environment: Environment): Settings {
  const parsed = settingsSchema.safeParse(environment);
  if (parsed.success) return parsed.data;
  const wrong = new Set(parsed.error.issues.map(({ path }) => path[0]));
  return settingsSchema.parse(Object.fromEntries(Object.entries(environment).filter(([name]) => !wrong.has(name))));
}
