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
  throw new ConfigurationError(`settings are wrong: ${faultsOf(parsed.error.issues).join('; ')}`);
}

/** Settings of the result cache, which scoring does without. */
const DISPENSABLE = new Set<unknown>([
  'CACHE_ENTRIES',
  'CACHE_MB',
  'CACHE_TTL_SECONDS',
  'REDIS_URL',
  'REDIS_AUTH',
  'REDIS_CLIENT_ID',
] satisfies (keyof Settings)[]);

export interface ServingSettings {
  readonly settings: Settings;
  /** Names of settings that are wrong and in whose place the default stands. */
  readonly ignored: readonly string[];
  /** What is wrong with them; undefined where there are none. */
  readonly reason: string | undefined;
}

/**
 * The settings as an instance serves with them: a wrong one of the result cache costs what it asks for, not the scoring.
 * @throws ConfigurationError where any other is wrong, as `readSettings` does.
 */
export function readServingSettings(environment: Environment): ServingSettings {
  const issues = settingsSchema.safeParse(environment).error?.issues ?? [];
  const wrong = issues.filter(({ path }) => DISPENSABLE.has(path[0]));
  const ignored = [...new Set(wrong.map(({ path }) => String(path[0])))];
  const settings = readSettings(without(environment, new Set(ignored)));
  const faults = faultsOf(wrong).join('; ');
  return {
    settings,
    ignored,
    reason: faults === '' ? undefined : `the default stands in for settings that are wrong: ${faults}`,
  };
}

function faultsOf(issues: readonly { readonly path: readonly PropertyKey[]; readonly message: string }[]): string[] {
  return [...new Set(issues.map(({ path, message }) => `${String(path[0])} ${message}`))];
}

function without(environment: Environment, names: ReadonlySet<unknown>): Environment {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !names.has(name)));
}

/** The settings with the default of each that is wrong: for what must be registered with the host whatever they say. */
export function settingsOrDefaults(environment: Environment): Settings {
  const parsed = settingsSchema.safeParse(environment);
  if (parsed.success) return parsed.data;
  const wrong = new Set(parsed.error.issues.map(({ path }) => path[0]));
  return settingsSchema.parse(without(environment, wrong));
}
