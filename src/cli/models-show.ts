import { asError, isRetryable } from '../core/errors.ts';
import { remoteOf } from '../core/remote-card.ts';
import { NO_CARD, parseCard } from '../models/card.ts';
import { expandInput } from '../models/compile-input.ts';
import { cardPath } from '../models/store.ts';
import { commandSettings } from './environment.ts';
import { inspect, openStore } from './model-room.ts';
import { jsonLine, printable, printableLines } from './printable.ts';
import { showInspection } from './show-inspection.ts';
import { findStored, withDownloaded } from './stored-model.ts';
import { paintFor, type Terminal } from './terminal.ts';

/** What a card tells of where a version comes from. */
const TOLD = [
  ['metrics', 'metrics'],
  ['params', 'hyperparameters'],
  ['experiment', 'experiment_id'],
  ['data', 'training_data_hash'],
  ['mlflow', 'mlflow'],
] as const;

/** `hubscore models show NAME [VERSION]`: downloads one version and says what it is, as it will be served. */
export async function showModel(
  terminal: Terminal,
  name: string,
  asked: string | undefined,
  options: { readonly json?: boolean; readonly input?: boolean },
): Promise<void> {
  const { signal, stdout, stderr } = terminal;
  const settings = commandSettings(terminal.environment, terminal.folder);
  const store = await openStore(settings);
  const found = await findStored(store, name, asked, signal);
  const { stored, card, aliases, production, problem } = found;
  if (problem !== undefined) stderr.write(`${printable(problem)}; which version is production is not known\n`);
  if (options.json) {
    stdout.write(card ? `${printableLines(card.trimEnd())}\n` : '{}\n');
    return;
  }
  if (options.input) {
    const { input } = card ? parseCard(card, cardPath(stored)) : NO_CARD;
    stdout.write(`${JSON.stringify(input === undefined ? null : expandInput(input), null, 2)}\n`);
    return;
  }
  const names = [...aliases].filter(([, version]) => version === stored.version).map(([alias]) => alias);
  if (stored.version === production && !names.includes('production')) names.unshift('production');
  await withDownloaded(settings, store, found, signal, async files => {
    const paint = paintFor(stdout);
    const inspection = await inspect(settings, { ...stored, ...files }, signal).catch(thrown => {
      const server = card === undefined ? undefined : remoteOf(parseCard(card, cardPath(stored)));
      if (server === undefined || !isRetryable(thrown)) throw thrown;
      const { host } = new URL(server.url);
      const words = `${server.kind} at ${host}, away: ${asError(thrown).message}`;
      stdout.write(`${paint('bold', printable(`${name} ${stored.version}`))}\n`);
      stdout.write(`  ${paint('dim', 'backend  ')} ${printable(words)}\n`);
      const { fallback } = parseCard(card ?? '{}', cardPath(stored));
      if (fallback !== undefined)
        stdout.write(`  ${paint('dim', 'fallback ')} ${printable(jsonLine(fallback))} answers\n`);
    });
    if (inspection === undefined) return;
    const aka = names.length > 0 ? `  ${paint('green', printable(names.join(', ')))}` : '';
    stdout.write(`${paint('bold', printable(`${name} ${inspection.label}`))}${aka}\n`);
    const description = inspection.card.raw.description;
    if (typeof description === 'string') stdout.write(`  ${printable(description)}\n`);
    for (const line of showInspection(inspection, paint)) stdout.write(`${line}\n`);
    const say = (title: string, words: string) =>
      stdout.write(`  ${paint('dim', title.padEnd(9))} ${printable(words)}\n`);
    for (const [title, field] of TOLD) {
      const value = inspection.card.raw[field];
      if (value !== undefined && value !== null) say(title, typeof value === 'string' ? value : jsonLine(value));
    }
    const blocked = found.quarantine[stored.version];
    if (blocked !== undefined) say('blocked', `in quarantine: ${blocked}`);
    const { rollout } = found;
    if (rollout !== undefined && [rollout.candidate, rollout.baseline].includes(stored.version)) {
      const role = rollout.candidate === stored.version ? 'candidate' : 'baseline';
      say('rollout', `${role} of ${rollout.kind} ${rollout.id}, ${rollout.phase.replace('_', ' ')}`);
    }
    if (!card) stdout.write('  no model.json: all this was read from the ONNX file\n');
  });
}
