import semver from 'semver';
import { z } from 'zod';
import { BlobConflict, BlobGone, BlobUnusable } from '../core/blobs.ts';
import { asError } from '../core/errors.ts';
import { faults } from './card.ts';
import { looksLikeVersion } from './resolve-version.ts';
import { deploymentPath, type ModelStore } from './store.ts';

/** deployment.json as it may be written. */
export const deploymentSchema = z.looseObject({
  aliases: z
    .record(
      z.string(),
      z.string().refine(version => semver.valid(version) === version, 'expected a version like 1.0.0'),
    )
    .nullish()
    .transform(aliases => aliases ?? {}),
});

/** A model's deployment.json: which version an alias stands for; unknown fields (rollout) are kept. */
export interface Deployment {
  /** Alias in lower case → version. */
  readonly aliases: ReadonlyMap<string, string>;
  readonly raw: Readonly<Record<string, unknown>>;
}

/** A deployment.json that says nothing that could be followed. */
export class BadDeployment extends Error {
  override readonly name = 'BadDeployment';
}

/** Some 5,000 aliases; it is parsed by every instance at every change. */
export const MAX_DEPLOYMENT_BYTES = 256 * 1024;

/** @throws BadDeployment naming the file, the field, what was expected and what came. */
export function parseDeployment(text: string, file: string): Deployment {
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (thrown) {
    throw new BadDeployment(`${file}: not JSON: ${asError(thrown).message}`, { cause: thrown });
  }
  const parsed = deploymentSchema.safeParse(value);
  if (!parsed.success) throw new BadDeployment(`${file}: ${faults(parsed.error, value)}`);
  const aliases = new Map(Object.entries(parsed.data.aliases).map(([alias, to]) => [alias.toLowerCase(), to]));
  return { aliases, raw: parsed.data };
}

/** The versions that it names: by an alias, `previous` among them, or as one of a rollout's. */
export function namedVersions({ aliases, raw }: Deployment): Set<string> {
  const { candidate, baseline } = (raw.rollout ?? {}) as { candidate?: unknown; baseline?: unknown };
  const arms = [candidate, baseline].filter(version => typeof version === 'string');
  return new Set([...aliases.values(), ...arms]);
}

/** The deployment of a model that has no deployment.json. */
export const NO_DEPLOYMENT: Deployment = { aliases: new Map(), raw: {} };

/** A change of aliases that must not be made; the message says why. */
export class AliasRefused extends Error {
  override readonly name = 'AliasRefused';
}

/** Aliases in lower case before and after a change. */
export interface AliasChange {
  readonly before: ReadonlyMap<string, string>;
  readonly after: ReadonlyMap<string, string>;
}

/**
 * Points an alias at a version (or removes it, with `undefined`). Where no alias says what production is, the highest version is, and any alias that is set
 * pins it: else the next version that is pushed under an alias of its own would go live.
 * @param highest production where no alias says it; undefined where there is no version yet
 * @throws AliasRefused where the alias reads as a version, or the file there cannot be read; BlobConflict after several tries.
 */
export function setAlias(
  store: ModelStore,
  name: string,
  alias: string,
  version: string | undefined,
  signal: AbortSignal,
  highest?: string,
): Promise<AliasChange> {
  return changeAliases(store, name, signal, aliases => withAlias(aliases, alias, version, highest));
}

/** The aliases after that. @throws AliasRefused */
export function withAlias(
  before: ReadonlyMap<string, string>,
  alias: string,
  version: string | undefined,
  highest?: string,
): Map<string, string> {
  if (looksLikeVersion(alias)) throw new AliasRefused(`alias ${alias}: expected a name, this reads as a version`);
  const key = alias.toLowerCase();
  const after = new Map(before);
  const production = before.get('production') ?? highest;
  if (key === 'production') keepPrevious(after, production, version);
  else if (version !== undefined && production !== undefined) after.set('production', production);
  if (version === undefined) after.delete(key);
  else after.set(key, version);
  return after;
}

/** Pins what production is, where no alias says it. */
export function pinProduction(
  store: ModelStore,
  name: string,
  highest: string,
  signal: AbortSignal,
): Promise<AliasChange> {
  return changeAliases(store, name, signal, before => new Map([['production', highest], ...before]));
}

/**
 * Points production back to `previous`, which is taken away: rolled back twice, a version does not come back.
 * @param isThere whether storage holds a version
 * @throws AliasRefused where there is no such version; BlobConflict after several tries.
 */
export function rollBack(
  store: ModelStore,
  name: string,
  isThere: (version: string) => boolean,
  signal: AbortSignal,
): Promise<AliasChange> {
  return changeAliases(store, name, signal, before => {
    const previous = before.get('previous');
    if (previous === undefined) {
      throw new AliasRefused(`${deploymentPath(name)} names no previous version: production was not moved by an alias`);
    }
    if (!isThere(previous)) throw new AliasRefused(`${name} ${previous}, the previous version, is not there`);
    const after = new Map(before).set('production', previous);
    after.delete('previous');
    return after;
  });
}

function keepPrevious(aliases: Map<string, string>, from: string | undefined, to: string | undefined): void {
  if (from !== undefined && to !== undefined && from !== to) aliases.set('previous', from);
}

const TRIES = 5;

/** Under the file's ETag: a change that somebody else makes at the same moment is never lost. */
async function changeAliases(
  store: ModelStore,
  name: string,
  signal: AbortSignal,
  change: (before: ReadonlyMap<string, string>) => ReadonlyMap<string, string>,
): Promise<AliasChange> {
  const path = deploymentPath(name);
  for (let attempt = 1; ; attempt++) {
    const there = await store.readText(path, signal).catch(thrown => {
      if (thrown instanceof BlobGone) return undefined;
      if (thrown instanceof BlobUnusable) throw new AliasRefused(thrown.message, { cause: thrown });
      throw thrown;
    });
    const { aliases: before, raw } = there ? readable(there.text, path) : NO_DEPLOYMENT;
    const after = change(before);
    if (isSame(before, after)) return { before, after };
    const text = `${JSON.stringify({ ...raw, aliases: Object.fromEntries(after) }, null, 2)}\n`;
    // Nobody would follow it.
    if (Buffer.byteLength(text) > MAX_DEPLOYMENT_BYTES) {
      throw new AliasRefused(`${path}: more than ${MAX_DEPLOYMENT_BYTES} bytes`);
    }
    try {
      await store.writeText(path, text, there ? { etag: there.etag } : 'absent', signal);
      return { before, after };
    } catch (thrown) {
      if (!(thrown instanceof BlobConflict) || attempt === TRIES) throw thrown;
    }
  }
}

function readable(text: string, path: string): Deployment {
  try {
    return parseDeployment(text, path);
  } catch (thrown) {
    throw new AliasRefused(`${asError(thrown).message}; mend it first`, { cause: thrown });
  }
}

const isSame = (one: ReadonlyMap<string, string>, other: ReadonlyMap<string, string>) =>
  one.size === other.size && [...one].every(([alias, version]) => other.get(alias) === version);
