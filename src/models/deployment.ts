import { hostname } from 'node:os';
import { type ChangeOptions, ChangeRefused, changeDocument } from '../rollouts/change.ts';
import { routingStates } from '../rollouts/choose.ts';
import { BadDeployment, type DeploymentDocument, isOpen, NO_DOCUMENT, parseDocument } from '../rollouts/document.ts';
import { looksLikeVersion } from './resolve-version.ts';
import { deploymentPath, type ModelStore } from './store.ts';

export { MAX_DEPLOYMENT_BYTES } from '../rollouts/document.ts';
export { BadDeployment };

/** A model's deployment.json: which version an alias stands for, and the rollout. */
export interface Deployment {
  /** Alias in lower case → version. */
  readonly aliases: ReadonlyMap<string, string>;
  readonly document: DeploymentDocument;
}

/** @throws BadDeployment naming the file, the field, what was expected and what came. */
export function parseDeployment(text: string, file: string): Deployment {
  const document = parseDocument(text, file);
  return { aliases: aliasesOf(document), document };
}

function aliasesOf({ aliases }: DeploymentDocument): ReadonlyMap<string, string> {
  return new Map(Object.entries(aliases).map(([alias, to]) => [alias.toLowerCase(), to]));
}

/** The versions that it names: by an alias, `previous` among them, or as one of a rollout's. */
export function namedVersions({ aliases, document }: Deployment): Set<string> {
  const named = new Set(aliases.values());
  for (const { rollout, aliases } of routingStates(document)) {
    const production = aliases.get('production');
    for (const version of [rollout?.candidate, rollout?.baseline, production])
      if (version !== undefined) named.add(version);
  }
  return named;
}

/** The deployment of a model that has no deployment.json. */
export const NO_DEPLOYMENT: Deployment = { aliases: new Map(), document: NO_DOCUMENT };

/** A change of aliases that must not be made; the message says why. */
export const AliasRefused = ChangeRefused;

/** Who changes a document, for the audit trail, and what else a change needs. */
export type ChangedBy = Pick<ChangeOptions, 'actor' | 'clock' | 'tail'>;

const NOBODY: ChangedBy = { actor: `unknown@${hostname()}`, clock: Date.now };

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
  by: ChangedBy = NOBODY,
): Promise<AliasChange> {
  return changeAliases(store, name, signal, 'alias', by, aliases => withAlias(aliases, alias, version, highest));
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
  by: ChangedBy = NOBODY,
): Promise<AliasChange> {
  return changeAliases(store, name, signal, 'pin', by, before => new Map([['production', highest], ...before]));
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
  by: ChangedBy = NOBODY,
): Promise<AliasChange> {
  return changeAliases(store, name, signal, 'rollback', by, before => {
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

/** Under the file's ETag: a change that somebody else makes at the same moment is never lost. */
async function changeAliases(
  store: Pick<ModelStore, 'readText' | 'writeText'>,
  name: string,
  signal: AbortSignal,
  action: string,
  by: ChangedBy,
  change: (before: ReadonlyMap<string, string>) => ReadonlyMap<string, string>,
): Promise<AliasChange> {
  const options = { ...by, store, path: deploymentPath(name), signal };
  let told: AliasChange | undefined;
  await changeDocument(options, document => {
    const before = aliasesOf(document);
    const after = change(before);
    told = { before, after };
    if (isSame(before, after)) return undefined;
    return { document: withAliases(name, document, after), action };
  });
  return told as AliasChange;
}

/**
 * A document with other aliases. What moves production holds at once, for every event that is not scored yet.
 * @throws ChangeRefused where production would be moved beside a rollout.
 */
export function withAliases(
  name: string,
  document: DeploymentDocument,
  after: ReadonlyMap<string, string>,
): DeploymentDocument {
  const { rollout, aliases, effective_at, ...rest } = document;
  const production = aliasesOf(document).get('production');
  const moves = production !== after.get('production');
  if (moves && isOpen(rollout)) {
    throw new ChangeRefused(
      `rollout ${rollout.id} of ${name} ${rollout.candidate} is ${rollout.phase}: use \`hubscore rollout promote ${name}\` or \`hubscore rollout rollback ${name}\``,
    );
  }
  return { ...rest, rollout, aliases: Object.fromEntries(after), effective_at: moves ? undefined : effective_at };
}

const isSame = (one: ReadonlyMap<string, string>, other: ReadonlyMap<string, string>) =>
  one.size === other.size && [...one].every(([alias, version]) => other.get(alias) === version);
