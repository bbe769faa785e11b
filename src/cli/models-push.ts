import { existsSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import semver from 'semver';
import { asError } from '../core/errors.ts';
import { parseCard } from '../models/card.ts';
import { setAlias } from '../models/deployment.ts';
import type { ModelFiles } from '../models/open-files.ts';
import { pushModel } from '../models/publish.ts';
import { commandSettings } from './environment.ts';
import { inspect, openStore, readDeployed, shareVerdict } from './model-room.ts';
import { showInspection } from './show-inspection.ts';
import { CommandError, paintFor, type Terminal } from './terminal.ts';

export interface PushOptions {
  readonly name?: string;
  readonly version?: string;
  readonly card?: string;
  readonly alias?: string;
  readonly dryRun?: boolean;
}

/** `hubscore models push PATH`: tries the model as serving it will, then uploads it with its card. */
export async function push(terminal: Terminal, path: string, options: PushOptions): Promise<void> {
  const { signal, stdout } = terminal;
  const settings = commandSettings(terminal.environment, terminal.folder);
  const files = findModelFiles(resolve(terminal.folder, path), options, terminal.folder);
  const paint = paintFor(stdout);
  const inspection = await inspect(settings, files, signal).catch(thrown => {
    signal.throwIfAborted();
    throw new CommandError((thrown as Error).message, 'It was not pushed.', { cause: thrown });
  });
  stdout.write(`${paint('bold', `${files.name} ${inspection.label}`)}\n`);
  for (const line of showInspection(inspection, paint)) stdout.write(`${line}\n`);
  if (options.dryRun) {
    stdout.write('not pushed (--dry-run)\n');
    return;
  }
  const store = await openStore(settings);
  // Before the model, so that who finds that finds this too.
  await shareVerdict(settings, inspection).catch(thrown => {
    const why = `what trying it has shown was not kept in ${settings.MONITOR_CONTAINER}: ${asError(thrown).message}`;
    stdout.write(`${paint('yellow', 'note')} ${why}; the functions try it themselves\n`);
  });
  const isNew = await pushModel(store, files, inspection, signal);
  const where = `${settings.MODELS_CONTAINER}/${files.name}/${files.version}`;
  stdout.write(isNew ? `${paint('green', 'pushed')} to ${where}\n` : `already at ${where}, the same file\n`);
  if (options.alias) await setAlias(store, files.name, options.alias, files.version, signal);
  const model = (await store.list(signal)).models.get(files.name);
  if (!model) return;
  const { production, problem } = await readDeployed(store, model, signal);
  const wait = `the functions look for changes every ${settings.MODEL_REFRESH_SECONDS} s`;
  stdout.write(
    production === files.version
      ? `it is production now: it answers requests that name no version (${wait})\n`
      : `production stays ${production ?? `unknown (${problem})`}; ask for this one with "model_version":"${files.version}", or push it with --alias production\n`,
  );
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

export interface LocatedModel {
  readonly file: string;
  readonly card: string | undefined;
  /** By the card, else the folders; undefined where neither tells. */
  readonly name: string | undefined;
  readonly version: string | undefined;
}

/** The model file at a path, or in it, and its card: the one given, else the one beside it. @throws CommandError where there is none. */
export function locateModel(path: string, givenCard?: string): LocatedModel {
  if (!existsSync(path)) throw new CommandError(`${path} is not there`, 'Give a model.onnx, or the folder it is in.');
  const file = statSync(path).isDirectory() ? join(path, 'model.onnx') : path;
  if (!existsSync(file)) throw new CommandError(`no model.onnx in ${path}`, 'Give the ONNX file itself.');
  const beside = join(dirname(file), 'model.json');
  const card = givenCard ?? (existsSync(beside) ? beside : undefined);
  const said = card ? parseCard(readFileSync(card), card) : undefined;
  const versionFolder = dirname(file);
  const inFolders = semver.valid(basename(versionFolder)) === basename(versionFolder);
  return {
    file,
    card,
    name: said?.name ?? (inFolders ? basename(dirname(versionFolder)) : undefined),
    version: said?.version ?? (inFolders ? basename(versionFolder) : undefined),
  };
}
