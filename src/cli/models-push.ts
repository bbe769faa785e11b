import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import type { Settings } from '../config/settings.ts';
import { asError, InfrastructureError } from '../core/errors.ts';
import { NO_CARD, parseCard } from '../models/card.ts';
import { type AliasChange, pinProduction, setAlias, withAlias } from '../models/deployment.ts';
import { GOLDEN_FILE, parseGolden } from '../models/golden.ts';
import { type ModelFiles, openModelFiles } from '../models/open-files.ts';
import { type Inspection, pushGolden, pushModel } from '../models/publish.ts';
import type { ModelStore } from '../models/store.ts';
import { changedBy, recordChanges } from './change-deployment.ts';
import { commandSettings } from './environment.ts';
import { locateModel } from './locate-model.ts';
import { accountOf, inspect, openStore, readDeployed, shareVerdict, withLoaders } from './model-room.ts';
import { refusing } from './models-alias.ts';
import { jsonLine, printable } from './printable.ts';
import { type ProfileToPush, profileToPush, pushProfile } from './push-profile.ts';
import { replayGolden } from './replay-golden.ts';
import { type Production, productionOf, showAliasChange } from './show-alias-change.ts';
import { showInspection } from './show-inspection.ts';
import { CommandError, paintFor, Refusal, type Terminal } from './terminal.ts';

export interface PushOptions {
  readonly name?: string;
  readonly version?: string;
  readonly card?: string;
  readonly alias?: string;
  readonly candidate?: boolean;
  readonly profile?: string;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

/** `hubscore models push PATH`: tries the model as serving it will, says what will change, then uploads it with its card. */
export async function push(terminal: Terminal, path: string, options: PushOptions): Promise<void> {
  const { signal } = terminal;
  const settings = commandSettings(terminal.environment, terminal.folder);
  const files = findModelFiles(resolve(terminal.folder, path), options, terminal.folder);
  const stdout = options.json ? terminal.stderr : terminal.stdout;
  const paint = paintFor(stdout);
  const say = (line: string) => stdout.write(`${line}\n`);
  const inspection = await inspect(settings, files, signal).catch(thrown => {
    signal.throwIfAborted();
    if (thrown instanceof InfrastructureError) throw thrown;
    throw new Refusal(asError(thrown).message, 'It was not pushed.', { cause: thrown });
  });
  if (inspection.unknownFields.length > 0) {
    throw new Refusal(
      `${files.card}: ${inspection.unknownFields.join('; ')}`,
      'It was not pushed: nothing would read that.',
    );
  }
  const golden = await tryGolden(settings, files, signal);
  const csv = options.profile && resolve(terminal.folder, options.profile);
  const profile = await profileToPush(settings, files, csv, signal);
  say(paint('bold', printable(`${files.name} ${inspection.label}`)));
  for (const line of showInspection(inspection, paint)) say(line);
  const store = await openStore(settings);
  const plan = await planPush(store, files, options, signal).catch(thrown => {
    if (!options.dryRun || !(thrown instanceof InfrastructureError)) throw thrown;
    // Whether it would serve is told without storage, too.
    say(`  ${paint('dim', 'changes  ')} nobody knows: ${printable(thrown.message)}`);
    return UNKNOWN;
  });
  const isKnown = plan !== UNKNOWN && plan.problem === undefined;
  const changes = isKnown ? showAliasChange(plan.change, plan.production, settings.MODEL_REFRESH_SECONDS) : [];
  for (const line of changes) {
    say(`  ${paint('dim', 'changes  ')} ${line}`);
  }
  let pushed = false;
  if (options.dryRun) say('not pushed (--dry-run)');
  else {
    const by = await changedBy(terminal, settings, files.name);
    if (plan.pin !== undefined) await refusing(pinProduction(store, files.name, plan.pin, signal, by));
    // Before the model, so that who finds that finds this too.
    if (golden !== undefined) {
      await pushGolden(store, files, golden.path, signal);
      say(`  ${paint('dim', 'golden   ')} ${golden.rows} rows, answered as expected`);
    }
    await shareVerdict(settings, inspection).catch(thrown => {
      const why = `what trying it has shown was not kept in ${settings.MONITOR_CONTAINER}: ${asError(thrown).message}`;
      say(`${paint('yellow', 'note')} ${printable(why)}; the functions try it themselves`);
    });
    pushed = await pushModel(store, files, inspection, signal).catch(thrown => {
      if (thrown instanceof InfrastructureError) throw thrown;
      throw new Refusal(asError(thrown).message, 'It was not pushed.', { cause: thrown });
    });
    // Behind the model: of a push that was refused none must stay.
    if (profile !== undefined) {
      await pushProfile(store, files, profile.text, signal);
      say(`  ${paint('dim', 'profile  ')} ${printable(profile.source)}`);
    }
    const where = printable(`${settings.MODELS_CONTAINER}/${files.name}/${files.version}${accountOf(settings)}`);
    say(pushed ? `${paint('green', 'pushed')} to ${where}` : `already at ${where}, the same file`);
    if (options.alias) await refusing(setAlias(store, files.name, options.alias, files.version, signal, plan.pin, by));
    if (plan.pin !== undefined || options.alias) await recordChanges(terminal, settings, store, files.name);
    say(outcome(plan, files.version, settings));
  }
  if (options.json) terminal.stdout.write(`${jsonLine(asJson(files, inspection, plan, pushed, settings, profile))}\n`);
}

/** Answers the golden rows beside the file, where there are any. @throws Refusal where an answer differs */
async function tryGolden(settings: Settings, files: ModelFiles, signal: AbortSignal): Promise<GoldenFile | undefined> {
  const path = join(dirname(files.file), GOLDEN_FILE);
  if (!existsSync(path)) return undefined;
  const faults = await withLoaders(settings, async loaders => {
    const raw = files.card === undefined ? NO_CARD : parseCard(readFileSync(files.card), files.card);
    const opened = await openModelFiles(files, raw, loaders);
    try {
      return await replayGolden(opened.version, parseGolden(readFileSync(path, 'utf8'), path), settings, signal);
    } finally {
      await opened.close();
    }
  }).catch(thrown => {
    signal.throwIfAborted();
    if (thrown instanceof InfrastructureError) throw thrown;
    throw new Refusal(asError(thrown).message, 'It was not pushed.', { cause: thrown });
  });
  if (faults.length > 0)
    throw new Refusal(`${path}: ${faults.join('; ')}`, 'It was not pushed: it answers otherwise than expected.');
  return { path, rows: parseGolden(readFileSync(path, 'utf8'), path).length };
}

interface GoldenFile {
  readonly path: string;
  readonly rows: number;
}

interface Plan {
  readonly change: AliasChange;
  readonly production: Production;
  /** Production where no alias says it, to be pinned before the new version is there. */
  readonly pin: string | undefined;
  /** Why nobody knows what production is. */
  readonly problem: string | undefined;
}

/** Storage was away. */
const UNKNOWN: Plan = {
  change: { before: new Map(), after: new Map() },
  production: { before: undefined, after: undefined },
  pin: undefined,
  problem: undefined,
};

/** What storage will say once the version is there. @throws Refusal where the aliases must not be changed so. */
async function planPush(
  store: ModelStore,
  { name, version }: ModelFiles,
  { alias, candidate }: PushOptions,
  signal: AbortSignal,
): Promise<Plan> {
  const model = (await store.list(signal)).models.get(name);
  const versions = [...(model?.versions.keys() ?? [])];
  const deployed = model && (await readDeployed(store, model, signal));
  const before = deployed?.aliases ?? new Map<string, string>();
  const touched = alias !== undefined || candidate;
  if (touched && deployed?.problem) throw new Refusal(deployed.problem, 'It was not pushed: mend that file first.');
  const pin = touched ? deployed?.production : undefined;
  let after = before;
  if (candidate && pin !== undefined && !before.has('production')) after = new Map([...before, ['production', pin]]);
  if (alias !== undefined) after = withAlias(after, alias, version, pin);
  const change = { before, after };
  const later = { versions: new Set([...versions, version]) };
  // What a file that cannot be read says nobody knows, whatever is pushed.
  const next = deployed?.problem === undefined ? productionOf(later, change).after : undefined;
  const production = { before: deployed?.production, after: next };
  return { change, production, pin, problem: deployed?.problem };
}

function outcome({ production: { before, after }, problem }: Plan, version: string, settings: Settings): string {
  const wait = `the functions look for changes every ${settings.MODEL_REFRESH_SECONDS} s`;
  if (after !== version) {
    const stays = problem === undefined ? after : printable(`unknown (${problem})`);
    return `production stays ${stays}; ask for this one with "model_version":"${version}", or push it with --alias production`;
  }
  const only = before === undefined ? ', as the only version there is' : '';
  return `it is production now${only}: it answers requests that name no version (${wait})`;
}

function asJson(
  files: ModelFiles,
  inspection: Inspection,
  plan: Plan,
  pushed: boolean,
  settings: Settings,
  profile: ProfileToPush | undefined,
) {
  const { before, after } = plan.change;
  return {
    name: files.name,
    version: files.version,
    label: inspection.label,
    sha256: inspection.sha256,
    pushed,
    production: plan.production,
    aliases: { before: Object.fromEntries(before), after: Object.fromEntries(after) },
    within_seconds: settings.MODEL_REFRESH_SECONDS,
    remarks: inspection.remarks,
    ...(profile && { profile: { rows: profile.profile.rows, reference: profile.profile.reference } }),
  };
}

/**
 * The file, the card and what they are called: by the options, else the card, else folders named `<name>/<version>/`.
 * @throws CommandError where that is not enough.
 */
export function findModelFiles(path: string, options: PushOptions, folder: string): ModelFiles {
  const found = locateModel(path, options.card && resolve(folder, options.card));
  const { name, version } = { name: options.name ?? found.name, version: options.version ?? found.version };
  if (!name || !version) {
    const missing = [name ? undefined : '--name', version ? undefined : '--version'].filter(Boolean).join(' and ');
    throw new CommandError(
      `what is ${basename(found.file)} called? Neither a card nor folders <name>/<version>/ say it`,
      `Add ${missing}, such as --name churn --version 1.0.0.`,
    );
  }
  return { ...found, name, version };
}
