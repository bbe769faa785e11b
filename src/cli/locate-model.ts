import { existsSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import valid from 'semver/functions/valid.js'; // alone: the whole package is 47 modules
import { needsNoFile } from '../core/card-kind.ts';
import { parseCard } from '../models/card.ts';
import { CommandError } from './terminal.ts';

/** A card that there is no file to: of a model that a server has, or of an ensemble. */
function isCardOnly(path: string): boolean {
  if (!path.endsWith('.json') || !existsSync(path)) return false;
  return needsNoFile(parseCard(readFileSync(path), path));
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
  const inFolder = statSync(path).isDirectory();
  const there = inFolder ? join(path, 'model.onnx') : path;
  const card = inFolder ? join(path, 'model.json') : path;
  const isCardAlone = isCardOnly(card) && (card === path || !existsSync(there));
  const file = isCardAlone ? card : there;
  if (!existsSync(file)) throw new CommandError(`no model.onnx in ${path}`, 'Give the ONNX file itself.');
  const beside = isCardAlone ? card : join(dirname(file), 'model.json');
  const own = givenCard ?? (existsSync(beside) ? beside : undefined);
  const said = own ? parseCard(readFileSync(own), own) : undefined;
  const versionFolder = dirname(file);
  const inFolders = valid(basename(versionFolder)) === basename(versionFolder);
  return {
    file,
    card: own,
    name: said?.name ?? (inFolders ? basename(dirname(versionFolder)) : undefined),
    version: said?.version ?? (inFolders ? basename(versionFolder) : undefined),
  };
}
