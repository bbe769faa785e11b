import { closest } from '../core/closest.ts';
import { settingsSchema } from './settings.ts';

const KNOWN = Object.keys(settingsSchema.shape);
/** Settings of the local stack and of the host, so near to ours that they would be taken for slips. */
const OTHERS = [
  'EVENTHUBS_PORT',
  'EVENTHUBS_HOST',
  'EVENTHUBS_HEALTH_PORT',
  'KAFKA_PORT',
  'STORAGE_PORT',
  'STORAGE_QUEUE_PORT',
  'FUNCTIONS_PORT',
  'QUEUE_HIDDEN_SECONDS',
];
const LONG = 10;
const SHORTEST = 6;

/**
 * Names in an environment that are no settings but nearly ones, in words. An environment holds much that is none of ours, so only a slip or two, another letter
 * case, or a name without its end (`MODEL_REFRESH`) counts.
 */
export function unknownSettings(environment: Readonly<Record<string, string | undefined>>): string[] {
  const known = new Set([...KNOWN, ...OTHERS]);
  return Object.keys(environment)
    .filter(name => environment[name] !== undefined && name.length >= SHORTEST && !known.has(name))
    .map(name => ({ name, meant: meantBy(name) }))
    .filter(({ meant }) => meant !== undefined && environment[meant] === undefined)
    .map(({ name, meant }) => `${name} is no setting; did you mean ${meant}?`);
}

function meantBy(name: string): string | undefined {
  const near = closest(name, KNOWN, name.length >= LONG ? 2 : 1);
  if (near !== undefined) return near;
  const longer = KNOWN.filter(known => known.startsWith(`${name}_`) && !known.startsWith(`${name}__`));
  return name.length >= LONG && longer.length === 1 ? longer[0] : undefined;
}
