import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { asError } from '../core/errors.ts';
import { parseCard } from '../models/card.ts';
import { parseDeployment } from '../models/deployment.ts';
import { unknownFields } from '../models/unknown-fields.ts';
import { commandSettings } from './environment.ts';
import { inspect } from './model-room.ts';
import { jsonLine, printable } from './printable.ts';
import { paintFor, Refusal, type Terminal } from './terminal.ts';

/** `hubscore models lint FILE`: says what is wrong with a model.json or a deployment.json, before anything is pushed. */
export async function lint(terminal: Terminal, path: string, options: { readonly json?: boolean }): Promise<void> {
  const file = resolve(terminal.folder, path);
  const faults = basename(file) === 'deployment.json' ? faultsOfDeployment(file) : await faultsOfCard(terminal, file);
  if (options.json) terminal.stdout.write(`${jsonLine({ file: path, faults })}\n`);
  if (faults.length > 0) throw new Refusal(faults.map(printable).join('\n'), 'docs/models.md has every field.');
  if (!options.json) terminal.stdout.write(`${paintFor(terminal.stdout)('green', 'sound')} ${printable(path)}\n`);
}

function faultsOfDeployment(file: string): string[] {
  try {
    parseDeployment(readFileSync(file, 'utf8'), file);
    return [];
  } catch (thrown) {
    return [asError(thrown).message];
  }
}

/** With its model beside it a card is held against that, as a push would. */
async function faultsOfCard(terminal: Terminal, file: string): Promise<string[]> {
  try {
    const card = parseCard(readFileSync(file), file);
    const unknown = unknownFields(card);
    const model = join(dirname(file), 'model.onnx');
    if (unknown.length > 0 || !existsSync(model)) return unknown.map(words => `${file}: ${words}`);
    const settings = commandSettings(terminal.environment, terminal.folder);
    const files = { file: model, card: file, name: card.name ?? 'model', version: card.version ?? '0.0.0' };
    await inspect(settings, files, terminal.signal);
    return [];
  } catch (thrown) {
    terminal.signal.throwIfAborted();
    return [asError(thrown).message];
  }
}
