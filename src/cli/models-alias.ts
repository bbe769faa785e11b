import type { Settings } from '../config/settings.ts';
import { BlobConflict } from '../core/blobs.ts';
import { type AliasChange, AliasRefused, rollBack, setAlias } from '../models/deployment.ts';
import type { StoredModel } from '../models/store.ts';
import { changedBy, recordChanges } from './change-deployment.ts';
import { commandSettings } from './environment.ts';
import { openStore } from './model-room.ts';
import { jsonLine, printable } from './printable.ts';
import { productionOf, showAliasChange } from './show-alias-change.ts';
import { type FoundModel, findModel, versionOf } from './stored-model.ts';
import { Refusal, type Terminal } from './terminal.ts';

interface Options {
  readonly json?: boolean;
  readonly force?: boolean;
}

/** `hubscore models alias NAME ALIAS VERSION` */
export async function alias(
  terminal: Terminal,
  name: string,
  alias: string,
  version: string,
  options: Options,
): Promise<void> {
  const settings = commandSettings(terminal.environment, terminal.folder);
  const store = await openStore(settings);
  const found = await findModel(store, name, terminal.signal);
  const target = versionOf(found, version).version;
  refuseQuarantined(found, alias, target, options.force);
  const by = await changedBy(terminal, settings, name);
  const change = await refusing(setAlias(store, name, alias, target, terminal.signal, found.production, by));
  await recordChanges(terminal, settings, store, name);
  tell(terminal, settings, found.model, change, options);
}

/** `hubscore models promote NAME VERSION`: production is that version at once. Refused while a rollout runs, and of a version in quarantine. */
export function promote(terminal: Terminal, name: string, version: string, options: Options): Promise<void> {
  return alias(terminal, name, 'production', version, options);
}

function refuseQuarantined({ quarantine, model }: FoundModel, alias: string, version: string, force = false): void {
  const why = quarantine[version];
  if (alias.toLowerCase() !== 'production' || why === undefined || force) return;
  throw new Refusal(
    `${model.name} ${version} is in quarantine: ${why}`,
    `Nothing was changed. \`npx hubscore models unblock ${model.name} ${version}\` lets it out; --force does without.`,
  );
}

/** `hubscore models rollback NAME`: production goes back to `previous`. */
export async function rollback(terminal: Terminal, name: string, options: Options): Promise<void> {
  const settings = commandSettings(terminal.environment, terminal.folder);
  const store = await openStore(settings);
  const { model } = await findModel(store, name, terminal.signal);
  const by = await changedBy(terminal, settings, name);
  const isThere = (version: string) => model.versions.has(version);
  const change = await refusing(rollBack(store, name, isThere, terminal.signal, by));
  await recordChanges(terminal, settings, store, name);
  tell(terminal, settings, model, change, options);
}

/** @throws Refusal where the aliases must not be changed so, or others keep changing them. */
export async function refusing(changing: Promise<AliasChange>): Promise<AliasChange> {
  try {
    return await changing;
  } catch (thrown) {
    if (thrown instanceof AliasRefused) throw new Refusal(thrown.message, 'Nothing was changed.', { cause: thrown });
    if (!(thrown instanceof BlobConflict)) throw thrown;
    throw new Refusal('others kept changing deployment.json', 'Nothing was changed: try again.', { cause: thrown });
  }
}

function tell(
  { stdout }: Terminal,
  settings: Settings,
  model: StoredModel,
  change: AliasChange,
  { json }: Options,
): void {
  const production = productionOf(model, change);
  const withinSeconds = settings.MODEL_REFRESH_SECONDS;
  if (json) {
    const { before, after } = change;
    const aliases = { before: Object.fromEntries(before), after: Object.fromEntries(after) };
    stdout.write(`${jsonLine({ name: model.name, production, aliases, within_seconds: withinSeconds })}\n`);
    return;
  }
  for (const line of showAliasChange(change, production, withinSeconds))
    stdout.write(`${printable(model.name)}: ${line}\n`);
}
